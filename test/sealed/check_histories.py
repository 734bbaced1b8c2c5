#!/usr/bin/env python3
"""Checks what the independent reader makes of several manifests of one source (docs/format.md 6.3 to 6.5)."""

import base64
import contextlib
import hashlib
import io
import sys
import tempfile
from pathlib import Path

import make_vectors as vectors

sys.path.append(str(Path(__file__).parent / "reader"))
import holdfast_reader as reader

KEYS = {key_id.hex(): key for key_id, key in vectors.SCOPE_KEYS.values()}
FIRST, SECOND, WHOLE = {"kind": "checkpoint", "last": False}, {"kind": "checkpoint", "part": 2}, {"kind": "checkpoint"}
A, B = vectors.manifest_row("a"), vectors.manifest_row("b")


def later(row: dict, observation: int, **changes) -> dict:
    return {**row, "version": vectors.named(f"version {observation}", 16).hex(), "observation": observation, **changes}


A2, GONE, HELD = later(A, 2), later(B, 3, outcome="deleted"), later(A, 4, outcome="held")


def expect(label: str, manifests: list, problems: int, restored: dict, missing=(), foreign=None) -> None:
    """`manifests` are pairs of changes to the head and rows, `missing` the numbers that are not there, `foreign` one that is no manifest."""
    with tempfile.TemporaryDirectory() as bucket:
        folder = Path(bucket) / "manifests" / vectors.SOURCE
        folder.mkdir(parents=True)
        previous = None
        for number, (changes, rows) in enumerate(manifests, 1):
            if number == foreign:
                (folder / f"{number:012}").write_bytes(b"somebody else's")
                continue
            vectors.MANIFEST = f"manifests/{vectors.SOURCE}/{number:012}"
            head = vectors.manifest_head(number=number, previousSha256=previous, **changes)
            data = vectors.manifest([vectors.section("default", rows, head=head)] if rows else [], head=head)
            previous = hashlib.sha256(data).hexdigest()
            if number not in missing:
                (folder / f"{number:012}").write_bytes(data)
        report = reader.Report()
        with contextlib.redirect_stderr(io.StringIO()):
            rows = reader.rows_to_restore(reader.read_history(Path(bucket), vectors.SOURCE, KEYS, report)[1], report)
    found = {base64.urlsafe_b64decode(row["path"] + "==")[-1:].decode(): row["observation"] for row in rows}
    assert (report.problems, found) == (problems, restored), f"{label}: {report.problems} problems, {found}"


expect("a newer version and a deletion", [({}, [A, B]), ({}, [A2, GONE])], 0, {"a": 2})
expect("a held version leaves the older one", [({}, [A, B]), ({}, [HELD])], 0, {"a": 1, "b": 1})
expect("a version that was settled anew", [({}, [A, HELD]), ({}, [{**HELD, "outcome": "uploaded"}])], 0, {"a": 4})
expect("one is missing", [({}, [A]), ({}, [B]), ({}, [A2])], 1, {"a": 2}, missing=[2])
expect("one is missing before a checkpoint", [({}, [B]), (WHOLE, [A])], 0, {"a": 1}, missing=[1])
expect("a checkpoint in parts, a journal between", [({}, [B]), (FIRST, [A2]), ({}, [GONE]), (SECOND, [B])], 0, {"a": 2}, missing=[1])
expect("a checkpoint without its first part", [({}, [A]), (FIRST, [A2]), ({}, [GONE]), (SECOND, [B])], 1, {}, missing=[1, 2])
expect("a checkpoint without its end", [({}, [A]), (FIRST, [A2]), ({}, [B])], 1, {"a": 2, "b": 1}, missing=[1])
expect("a number that was passed over", [({}, [A]), ({}, []), ({}, [B])], 0, {"a": 1, "b": 1}, foreign=2)
expect("the newest cannot be read", [({}, [A]), ({}, [])], 1, {"a": 1}, foreign=2)
