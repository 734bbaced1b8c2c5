#!/usr/bin/env python3
"""Reads a Holdfast bucket without Holdfast.

    holdfast_reader.py restore BUCKET_DIR TARGET --password-file FILE [--source NAME]
    holdfast_reader.py vectors DIR

BUCKET_DIR holds the objects of a bucket as files (`keys/`, `manifests/`, `objects/`, `packs/`), each in its newest version. FILE holds the
password, or the recovery key, in its first line. Each source comes back as TARGET/<its name>; TARGET must not exist or be empty.
Exit code 0: everything came back. 1: something did not, and stderr says what. 2: nothing could be read.

Written from docs/format.md alone; section numbers are that document's. Needs Linux, Python 3.11 and the packages `cryptography` and
`zstandard`. It does not read OpenPGP messages and the manifests of write-only hosts (section 8), nor does it adopt files that no
manifest lists: it says so where it meets one.
"""

import argparse
import hashlib
import os
import re
import stat
import sys
from contextlib import contextmanager
from pathlib import Path

from check_vectors import check_vectors
from holdfast_format import (
    CORRUPTED,
    ID,
    PROTECTED,
    ROOT,
    SCOPE,
    Refused,
    Sealed,
    from_base64,
    need,
    open_manifest,
    open_root,
    open_scope_key,
    read_document,
    recovery_password,
    sound_path,
)


class Report:
    """Says on stderr what is worth knowing, and remembers whether everything came back."""

    problems = 0

    def note(self, message: str) -> None:
        print(message, file=sys.stderr)

    def problem(self, message: str) -> None:
        self.problems += 1
        self.note(f"PROBLEM: {message}")


def shown(path: bytes) -> str:
    """A path for a terminal, which it cannot command."""
    return repr(path.decode("utf-8", "backslashreplace"))


def objects_in(bucket: Path, folder: str, pattern: str) -> list[Path]:
    """The objects of a folder whose names have that form, in order."""
    return sorted(file for file in bucket.glob(f"{folder}/*") if file.is_file() and re.fullmatch(pattern, file.name))


def open_keyring(bucket: Path, typed: bytes, report: Report) -> dict:
    """Section 3: all sealing keys that the password opens, by id in hex. The newest document of each holder is tried first."""
    documents, newest = [], {}
    for file in objects_in(bucket, "keys/root", "[0-9]{8}"):
        try:
            document = read_document(file.read_bytes(), ROOT)
            need(document["generation"] == int(file.name), CORRUPTED, "generation of another name")
        except Refused as refusal:
            report.problem(f"keys/root/{file.name}: {refusal}")
            continue
        documents.append(document)
        newest[document["holder"]] = document["generation"]
    need(len(documents) > 0, "nothing to read", f"{bucket} has no keyring document in keys/root")
    documents.sort(key=lambda each: (each["generation"] == newest[each["holder"]], each["generation"]), reverse=True)
    root = None
    for document in documents:
        try:
            root = open_root(document, recovery_password(typed.decode()) if document["holder"] == "recovery-kit" else typed)
            break
        except (Refused, UnicodeDecodeError) as error:
            if isinstance(error, Refused) and error.kind == CORRUPTED:
                report.problem(f"keys/root/{document['generation']:08}: {error}")
    if root is None:
        raise Refused("wrong-password", f"it opens none of {len(documents)} keyring documents in keys/root")
    report.note(f"keyring of repository {root['repository']}, opened as {root['holder']}, generation {root['generation']}")
    if root["keyId"] != max(documents, key=lambda each: each["generation"])["keyId"]:
        report.problem("a newer keyring has keys that this password does not open: what is sealed with them does not come back")
    keys = {}
    for file in (each for folder in bucket.glob("keys/scope/*") for each in objects_in(bucket, f"keys/scope/{folder.name}", "[0-9a-f]{32}")):
        try:
            document = read_document(file.read_bytes(), SCOPE)
            need(document["purpose"] == f"scope/{file.parent.name}" and document["keyId"] == file.name, CORRUPTED, "under another name")
            keys[file.name] = open_scope_key(document, root)["key"]
        except Refused as refusal:
            report.problem(f"keys/scope/{file.parent.name}/{file.name}: {refusal}")
    return keys


def read_history(bucket: Path, source: str, keys: dict, report: Report) -> tuple[dict, dict] | None:
    """Section 6.5: head of the newest manifest and rows by version id, as all authentic manifests of a source say."""
    versions, unreadable, passed_over = {}, {}, []
    newest, before, part, complete = None, None, 0, True
    for file in objects_in(bucket, f"manifests/{source}", "[0-9]{12}"):
        name = f"manifests/{source}/{file.name}"
        try:
            data = file.read_bytes()
            head, sections = open_manifest(data, name, keys)
        except Refused as refusal:
            passed_over.append(f"{name}: {refusal}")
            continue
        if head["previousSha256"] != before:
            # Only a complete checkpoint from here on makes up for what is missing.
            complete, part = False, 0
            report.note("\n".join([*passed_over, f"{name}: the manifest before is not here"]))
        elif passed_over:
            report.note("\n".join(f"{each} (no part of the chain)" for each in passed_over))
        passed_over = []
        before = hashlib.sha256(data).hexdigest()
        if head["kind"] == "checkpoint":
            part = 1 if "part" not in head else part + 1 if part > 0 and head["part"] == part + 1 else 0
            complete = complete or (head["last"] and part > 0)
        newest = head
        for member, rows in sections:
            if rows is None:
                unreadable[member["keyId"]] = unreadable.get(member["keyId"], 0) + member["rows"]
            versions.update((row["version"], row) for row in rows or [])
    for each in passed_over:
        report.problem(each)
    if newest is None:
        return None
    if not complete:
        report.problem(f"source {source}: manifests are missing and no complete checkpoint follows, so entries may be missing")
    for key_id, count in unreadable.items():
        report.problem(f"source {source}: {count} rows are sealed with key {key_id}, which is not here (shredded?)")
    report.note(f"source {newest['name']!r} ({source}): newest manifest is number {newest['number']} of {newest['createdAt']}")
    return newest, versions


def rows_to_restore(versions: dict, report: Report) -> list[dict]:
    """Of each entry that was not deleted the newest protected version (section 6.4)."""
    newest, protected = {}, {}
    for row in sorted(versions.values(), key=lambda row: row["observation"]):
        newest[row["entry"]] = row
        if row["outcome"] in PROTECTED:
            protected[row["entry"]] = row
    for entry, row in newest.items():
        if row["outcome"] not in (*PROTECTED, "deleted"):
            older = "an older state comes back" if entry in protected else "nothing of it is in the backup"
            report.note(f"{shown(from_base64(row['path'], url=True))}: last seen as {row['outcome']}; {older}")
    return [row for entry, row in protected.items() if newest[entry]["outcome"] != "deleted"]


class Tree:
    """Writes one source below an empty folder. All names are resolved one by one and no link is followed."""

    def __init__(self, bucket: Path, folder: Path, keys: dict, report: Report):
        self.bucket, self.keys, self.report = bucket, keys, report
        self.top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        self.files = {}  # By hard-linked entry: row and path of the first file written.

    @contextmanager
    def folder(self, path: bytes):
        """A descriptor of the folder, which is made where it is missing."""
        descriptor = os.dup(self.top)
        try:
            for name in path.split(b"/") if path else []:
                try:
                    os.mkdir(name, 0o700, dir_fd=descriptor)
                except FileExistsError:
                    pass
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def write(self, rows: list[dict]) -> int:
        """Files, then links, then what is said of folders, the deepest first: writing into a folder changes its time. Returns how many."""
        written = 0
        paths = {row["version"]: from_base64(row["path"], url=True) for row in rows}
        steps = {"file": self.write_file, "link": self.write_link, "dir": self.settle_folder}
        for kind, step in steps.items():
            chosen = [row for row in rows if row["kind"] == kind]
            for row in sorted(chosen, key=lambda row: paths[row["version"]].count(b"/"), reverse=True):
                try:
                    step(row, paths[row["version"]])
                    written += 1
                except (OSError, Refused) as error:
                    self.report.problem(f"{shown(paths[row['version']])}: {error}")
        return written

    def write_file(self, row: dict, path: bytes) -> None:
        parent, _, name = path.rpartition(b"/")
        with self.folder(parent) as folder:
            first, at = self.files.get(row.get("hardlink", row["entry"]), (None, b""))
            if first is not None and first.get("sha512") == row.get("sha512"):
                with self.folder(at.rpartition(b"/")[0]) as other:
                    os.link(at.rpartition(b"/")[2], name, src_dir_fd=other, dst_dir_fd=folder, follow_symlinks=False)
                return
            # Nothing has its name before all of it is known to be authentic.
            partial = f".{row['version']}.partial"
            descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self.top)
            try:
                self.write_content(row, path, descriptor)
                self.settle(descriptor, row, path)
                os.link(partial, name, src_dir_fd=self.top, dst_dir_fd=folder)
            finally:
                os.close(descriptor)
                os.unlink(partial, dir_fd=self.top)
        self.files[row.get("hardlink", row["entry"])] = row, path

    def write_content(self, row: dict, path: bytes, descriptor: int) -> None:
        """From the first placement that is here and authentic."""
        refusal = Refused("missing", "no object of it is here")
        for placement in row.get("placements", []):
            if placement["format"] == "openpgp":
                refusal = Refused("unsupported", f"an OpenPGP message: gpg --decrypt {placement['object']}")
                continue
            try:
                with open(self.bucket / placement["object"], "rb") as file, open(descriptor, "wb", closefd=False) as content:
                    sealed = Sealed(file, placement["offset"], placement["length"], self.keys, "content")
                    said, same = sealed.metadata, ("sha512", "sha256", "size")
                    need(said["version"] == placement["madeFor"] and all(said[each] == row.get(each) for each in same), "damaged", "of another version")
                    need(said["version"] != row["version"] or sealed.path == path, "damaged", "of another path")
                    content.seek(0)
                    content.truncate()  # Of what an earlier placement left.
                    for segment in sealed.segments():
                        write_sparsely(content, segment)
                    content.truncate(sealed.size)
                    return
            except FileNotFoundError:
                continue
            except Refused as error:
                refusal = error
        raise refusal

    def write_link(self, row: dict, path: bytes) -> None:
        parent, _, name = path.rpartition(b"/")
        with self.folder(parent) as folder:
            os.symlink(from_base64(row.get("linkTarget", ""), url=True), name, dir_fd=folder)
            if os.geteuid() == 0:
                os.chown(name, row["uid"], row["gid"], dir_fd=folder, follow_symlinks=False)
            self.set_attributes(f"/proc/self/fd/{folder}/".encode() + name, row, path, follow_symlinks=False)
            os.utime(name, ns=(int(row["mtimeNs"]),) * 2, dir_fd=folder, follow_symlinks=False)

    def settle_folder(self, row: dict, path: bytes) -> None:
        with self.folder(path) as folder:
            self.settle(folder, row, path)

    def settle(self, descriptor: int, row: dict, path: bytes) -> None:
        """Owner (as root), attributes, permission bits, time: in an order in which no step undoes another."""
        if os.geteuid() == 0:
            os.fchown(descriptor, row["uid"], row["gid"])
        self.set_attributes(descriptor, row, path)
        now = os.fstat(descriptor)
        theirs = stat.S_ISREG(now.st_mode) and (now.st_uid, now.st_gid) != (row["uid"], row["gid"])
        # A program must not run with the rights of somebody it never belonged to.
        os.fchmod(descriptor, row["mode"] & (0o1777 if theirs else 0o7777))
        os.utime(descriptor, ns=(int(row["mtimeNs"]),) * 2)

    def set_attributes(self, at, row: dict, path: bytes, **how) -> None:
        if row.get("xattrsDropped"):
            self.report.note(f"{shown(path)}: {row['xattrsDropped']} extended attributes were never recorded")
        for name, value in row.get("xattrs", {}).items():
            try:
                os.setxattr(at, name.encode(), from_base64(value), **how)
            except OSError as error:
                self.report.problem(f"{shown(path)}: attribute {name!r}: {error.strerror}")


def write_sparsely(file, segment: bytes) -> None:
    """Blocks of zeros become holes: nothing records where there were some."""
    zeros = bytes(4096)
    for start in range(0, len(segment), len(zeros)):
        block = segment[start : start + len(zeros)]
        if block == zeros[: len(block)]:
            file.seek(len(block), os.SEEK_CUR)
        else:
            file.write(block)


def restore(bucket: Path, target: Path, typed: bytes, names: list[str]) -> int:
    report = Report()
    keys = open_keyring(bucket, typed, report)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    need(not any(target.iterdir()), "target", f"{target} is not empty")
    found = set()
    for source in sorted(folder.name for folder in bucket.glob("manifests/*") if ID(folder.name)):
        history = read_history(bucket, source, keys, report)
        if history is None:
            report.problem(f"source {source}: no manifest of it can be read")
            continue
        name = history[0]["name"]
        if names and name not in names:
            continue
        found.add(name)
        # What somebody called a source is no path.
        folder = target / (name if sound_path(name.encode()) and "/" not in name and not (target / name).exists() else source)
        folder.mkdir(mode=0o700)
        rows = rows_to_restore(history[1], report)
        written = Tree(bucket, folder, keys, report).write(rows)
        report.note(f"source {name!r}: {written} of {len(rows)} entries are in {folder}")
    for name in set(names) - found:
        report.problem(f"no source is named {name!r}")
    return 1 if report.problems else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    to_restore = commands.add_parser("restore")
    to_restore.add_argument("bucket", type=Path)
    to_restore.add_argument("target", type=Path)
    to_restore.add_argument("--password-file", type=Path, required=True)
    to_restore.add_argument("--source", action="append", default=[])
    commands.add_parser("vectors").add_argument("folder", type=Path)
    options = parser.parse_args()
    try:
        if options.command == "vectors":
            return check_vectors(options.folder)
        typed = options.password_file.read_bytes().removesuffix(b"\n").removesuffix(b"\r")
        return restore(options.bucket, options.target, typed, options.source)
    except (Refused, OSError) as error:
        print(f"holdfast_reader: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
