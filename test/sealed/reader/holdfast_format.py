"""The formats of docs/format.md, read strictly: keyring, sealed file, manifest.

Written from that document alone; section numbers are its own. Everything here either returns what is authentic or raises `Refused`.
"""

import base64
import hashlib
import hmac
import io
import json
import re
import struct

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MIB = 1024 * 1024


class Refused(Exception):
    """Input that is not accepted. `kind` is the name of the refusal, as in the test vectors."""

    def __init__(self, kind: str, why: str):
        super().__init__(f"{kind}: {why}")
        self.kind = kind


def need(fine: bool, kind: str, why: str) -> None:
    if not fine:
        raise Refused(kind, why)


# --- Section 1: conventions ------------------------------------------------------------------------------------------


def expand(key: bytes, info: bytes, length: int) -> bytes:
    return hmac.digest(key, info + b"\x01", "sha512")[:length]


def canonical(value) -> bytes:
    """RFC 8785, of strings, integers, arrays and objects: the only values there are."""

    def ordered(part):
        if isinstance(part, dict):
            return {name: ordered(part[name]) for name in sorted(part, key=lambda name: name.encode("utf-16-be"))}
        return [ordered(each) for each in part] if isinstance(part, list) else part

    return json.dumps(ordered(value), separators=(",", ":"), ensure_ascii=False).encode()


def parse(data: bytes, refusal: str, only_canonical: bool = True):
    """The value of a JSON text."""
    try:
        value = json.loads(data.decode(), parse_constant=int)  # `NaN` and the like, which are no JSON, are no integers either.
        if canonical(value) != data and only_canonical:
            raise ValueError("not the canonical form")
        return value
    except (ValueError, RecursionError) as error:
        raise Refused(refusal, f"not JSON: {error}") from None


def from_base64(text, url: bool = False) -> bytes | None:
    """The bytes, or None where the text is not exactly what encodes them."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4) if url else text, b"-_" if url else b"+/", validate=True)
    except (TypeError, ValueError):
        return None
    again = base64.urlsafe_b64encode(data).rstrip(b"=") if url else base64.b64encode(data)
    return data if again.decode() == text else None


# Checks of one value each.
def integer(low: int, high: int):
    return lambda value: type(value) is int and low <= value <= high


def text(low: int = 0, high: int = 2**53):
    return lambda value: type(value) is str and low <= len(value.encode()) <= high


def matches(pattern: str):
    return lambda value: type(value) is str and re.fullmatch(pattern, value, re.ASCII) is not None


def one_of(*values):
    return lambda value: type(value) in (str, int) and value in values


def hexadecimal(length: int):
    return matches(f"[0-9a-f]{{{2 * length}}}")


def bytes_of(length: int):
    return lambda value: len(from_base64(value, url=True) or b"") == length


def mtime(value) -> bool:
    return matches("0|-?[1-9][0-9]{0,18}")(value) and -(2**63) <= int(value) < 2**63


def attributes(value) -> bool:
    return isinstance(value, dict) and all(from_base64(each) is not None for each in value.values())


def sound_path(path: bytes | None) -> bool:
    """The rules of 4.4: such a path cannot lead out of the folder it is put in."""
    return path is not None and 1 <= len(path) <= 65535 and b"\0" not in path and not {b"", b".", b".."} & set(path.split(b"/"))


ID = hexadecimal(16)
TIME = matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SAFE_INTEGER = integer(0, 2**53 - 1)


def has_shape(value, members: dict, optional: dict, others: bool = False) -> bool:
    """Whether a JSON object has all `members`, perhaps `optional` ones and no others, and each passes its check."""
    known = {**members, **optional}
    try:
        return (
            isinstance(value, dict)
            and members.keys() <= value.keys()
            and (others or value.keys() <= known.keys())
            and all(known[name](each) for name, each in value.items() if name in known)
        )
    except UnicodeEncodeError:
        return False  # Half a surrogate pair.


# --- Section 2: names ------------------------------------------------------------------------------------------------


def scope_id(naming: bytes, scope: str) -> str:
    return hmac.digest(naming, scope.encode(), "sha256")[:16].hex()


def object_name(naming: bytes, scope: str, sha512: bytes, nonce: bytes) -> str:
    key = expand(naming, b"holdfast/1/naming" + scope.encode(), 64)
    return f"objects/{hmac.digest(key, sha512, 'sha512').hex()}-{nonce.hex()}"


def derived_id(path_id: bytes, parts: list) -> str:
    return hmac.digest(path_id, canonical(parts), "sha256")[:16].hex()


# --- Section 3: keyring ----------------------------------------------------------------------------------------------

CORRUPTED = "corrupted-keyring"
DOCUMENT = {"v": one_of(1), "repository": ID, "keyId": ID, "generation": integer(1, 99_999_999), "nonce": bytes_of(12),
            "wrapped": lambda value: len(from_base64(value, url=True) or b"") >= 16, "checksum": bytes_of(32)}
ROOT = {**DOCUMENT, "purpose": one_of("root"), "holder": matches("[a-z0-9._-]{1,64}"), "kdf": one_of("pbkdf2-hmac-sha256"),
        "iterations": integer(0, 2**53 - 1), "salt": bytes_of(16)}
SCOPE = {**DOCUMENT, "purpose": matches("scope/[0-9a-f]{32}"), "kdf": one_of("holdfast-wrap"), "iterations": integer(0, 0), "salt": one_of("")}


def read_document(data: bytes, members: dict) -> dict:
    """Steps 1 to 5 of 3.1."""
    need(len(data) <= 65536, CORRUPTED, "too long")
    value = parse(data, CORRUPTED, only_canonical=False)
    need(isinstance(value, dict) and type(value.get("v")) is int, CORRUPTED, "no keyring document")
    need(value["v"] == 1, "unsupported", f"version {value['v']}")
    need(has_shape(value, members, {}) and canonical(value) == data, CORRUPTED, "members")
    need(members is SCOPE or 600_000 <= value["iterations"] <= 10_000_000, "hostile-keyring", "iterations")
    rest = {name: each for name, each in value.items() if name != "checksum"}
    need(hashlib.sha256(canonical(rest)).digest() == from_base64(value["checksum"], url=True), CORRUPTED, "checksum")
    return value


def unwrap(document: dict, key: bytes) -> bytes | None:
    """Step 6 of 3.1: the plaintext, or None where the tag does not verify."""
    header = canonical({name: each for name, each in document.items() if name not in ("nonce", "wrapped", "checksum")})
    nonce, wrapped = (from_base64(document[name], url=True) for name in ("nonce", "wrapped"))
    try:
        return AESGCM(key).decrypt(nonce, wrapped, header)
    except InvalidTag:
        return None


def key_list(key_bytes: int):
    """A check: keys with ids, at least one and none twice."""
    entry = {"id": bytes_of(16), "key": bytes_of(key_bytes)}
    return lambda value: (isinstance(value, list) and len(value) > 0 and all(has_shape(each, entry, {}) for each in value)
                          and len({each["id"] for each in value}) == len(value))


def open_root(document: dict, password: bytes) -> dict:
    """Section 3.2: what the rest needs of the secrets, with the keys as pairs of id and key."""
    key = hashlib.pbkdf2_hmac("sha256", password, from_base64(document["salt"], url=True), document["iterations"], 32)
    plaintext = unwrap(document, key)
    if plaintext is None:
        raise Refused("wrong-password", "the password does not open this keyring")
    value = parse(plaintext, CORRUPTED)
    shape = {"masters": key_list(64), "naming": bytes_of(64), "pathId": bytes_of(64), "payload": key_list(32)}
    need(has_shape(value, shape, {}), CORRUPTED, "secrets")

    def pairs(entries: list) -> list:
        return [(from_base64(each["id"], url=True).hex(), from_base64(each["key"], url=True)) for each in entries]

    root = {name: document[name] for name in ("repository", "generation", "holder", "keyId")}
    root |= {name: from_base64(value[name], url=True) for name in ("naming", "pathId")}
    root |= {name: pairs(value[name]) for name in ("masters", "payload")}
    need(root["masters"][-1][0] == document["keyId"], CORRUPTED, "last master key")
    return root


def open_scope_key(document: dict, root: dict) -> dict:
    """Section 3.3."""
    need(document["repository"] == root["repository"], CORRUPTED, "of another repository")
    for _, master in reversed(root["masters"]):
        plaintext = unwrap(document, expand(master, b"holdfast/1/wrap", 32))
        if plaintext is not None:
            break
    else:
        need(document["generation"] <= root["generation"], "newer-keyring", "wrapped under a newer keyring")
        raise Refused(CORRUPTED, "no master key opens it")
    value = parse(plaintext, CORRUPTED)
    need(has_shape(value, {"name": text(1, 255), "number": integer(1, 99_999_999), "key": bytes_of(64)}, {}), CORRUPTED, "secrets")
    need(document["purpose"] == f"scope/{scope_id(root['naming'], value['name'])}", CORRUPTED, "of another scope")
    return {**value, "key": from_base64(value["key"], url=True)}


def recovery_password(typed: str) -> bytes:
    """Section 3.5: the password that a recovery key stands for."""
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    plain = re.sub(r"[\s-]", "", typed).upper().translate(str.maketrans("ILOU", "110V"))
    need(len(plain) == 36 and set(plain) <= set(letters), "typing-error", "a recovery key has 36 letters")
    value = 0
    for letter in plain:
        value = value << 5 | letters.index(letter)
    check = int.from_bytes(hashlib.sha256((value >> 20).to_bytes(20, "big")).digest()[:3], "big") >> 4
    need(check == value & 0xFFFFF, "typing-error", "the check does not match")
    return plain.encode()


# --- Section 4: sealed file ------------------------------------------------------------------------------------------

PART = {"v": one_of(1), "purpose": text(), "size": SAFE_INTEGER, "sha512": hexadecimal(64), "sha256": hexadecimal(32), "scope": text(1, 255)}
NODE = {"mode": integer(0, 4095), "uid": integer(0, 2**32 - 1), "gid": integer(0, 2**32 - 1), "mtimeNs": mtime}
EXTRAS = {"hardlink": ID, "xattrs": attributes, "xattrsDropped": integer(1, 2**53 - 1)}
CONTENT = {**PART, **NODE, "source": ID, "entry": ID, "version": ID, "observation": SAFE_INTEGER, "kind": one_of("file"), "class": text(1, 255)}


def segment_size_for(length: int) -> int:
    """Section 4.5."""
    return next((size * MIB for size in (1, 2, 4, 8) if length <= 65536 * size * MIB), 16 * MIB)


class Sealed:
    """An authentic sealed file: steps 1 to 7 of 4.8. `keys` gives the sealing key of an id in hex."""

    def __init__(self, file, offset: int, length: int, keys: dict, purpose: str):
        self.file = file
        need(length >= 150, "damaged", "too short")
        footer = self.read(offset + length - 128, 128)
        (magic, version, compression, self.segment_size, count, word, key_id, self.size, stored, table_length, tail, mac) = struct.unpack(
            ">8sHHIII16sQQQ32s32s", footer)
        need(magic == b"HOLDFAST", "damaged", "magic")
        need(version == 1 and compression <= 1 and word == 0 and not any(tail), "unsupported", "version, compression or reserved field")
        head = self.read(offset, 20)
        iv, metadata_length = head[:16], struct.unpack(">I", head[16:])[0]
        need(
            2 <= metadata_length <= MIB
            and self.size <= 2**46
            and self.segment_size == segment_size_for(self.size)
            and count == -(-self.size // self.segment_size)
            and table_length == 20 * count
            and stored <= self.size
            and length == 20 + metadata_length + stored + table_length + 128,
            "damaged", "lengths that contradict each other",
        )
        self.key_id = key_id.hex()
        if self.key_id not in keys:
            raise Refused("unknown-key", self.key_id)
        pair = expand(keys[self.key_id], b"holdfast/1/file" + key_id + purpose.encode() + iv, 64)
        self.mac_key = pair[32:]
        encrypted = self.read(offset + 20, metadata_length)
        self.at = offset + 20 + metadata_length
        table = self.read(self.at + stored, table_length)
        expected = hmac.digest(self.mac_key, b"\x02" + head + encrypted + table + footer[:96], "sha256")
        need(hmac.compare_digest(expected, mac), "damaged", "footer")
        self.table = []  # Of each segment: is it raw, stored length, covered length, tag.
        for index, (word, tag) in enumerate(struct.iter_unpack(">I16s", table)):
            raw, held, covered = bool(word >> 31), word & 0x7FFFFFFF, min(self.segment_size, self.size - index * self.segment_size)
            need(held == covered if raw else compression == 1 and 0 < held < covered, "damaged", "table")
            self.table.append((raw, held, covered, tag))
        need(sum(held for _, held, _, _ in self.table) == stored, "damaged", "table")
        # One keystream over metadata and segments, so they are decrypted in order.
        self.decrypt = Cipher(algorithms.AES(pair[:32]), modes.CTR(iv)).decryptor().update
        self.read_metadata(self.decrypt(encrypted), purpose)

    def read(self, at: int, length: int) -> bytes:
        self.file.seek(at)
        data = self.file.read(length)
        need(len(data) == length, "damaged", "shorter than it should be")
        return data

    def read_metadata(self, plain: bytes, purpose: str) -> None:
        """Section 4.4."""
        end = 2 + struct.unpack(">H", plain[:2])[0]
        self.path = plain[2:end]
        need(end <= len(plain) and sound_path(self.path), "unsupported", "path")
        self.metadata = parse(plain[end:], "unsupported", only_canonical=False)
        is_content = purpose == "content"
        shape = has_shape(self.metadata, CONTENT, EXTRAS, others=True) if is_content else has_shape(self.metadata, PART, {})
        need(shape, "unsupported", "metadata")
        need(self.metadata["size"] == self.size and self.metadata["purpose"] == purpose, "damaged", "metadata that contradict the footer")

    def segments(self):
        """Step 8 of 4.8: the content piece by piece, each authentic. To be called once. The end is a refusal where the whole is not right."""
        whole = hashlib.sha512()
        for index, (raw, held, covered, tag) in enumerate(self.table):
            encrypted = self.read(self.at, held)
            self.at += held
            expected = hmac.digest(self.mac_key, b"\x01" + struct.pack(">I", index) + encrypted, "sha256")[:16]
            need(hmac.compare_digest(expected, tag), "damaged", f"segment {index}")
            segment = self.decrypt(encrypted)
            if not raw:
                segment = decompressed(segment, covered, self.segment_size)
            whole.update(segment)
            yield segment
        need(whole.hexdigest() == self.metadata["sha512"], "damaged", "content")

    def content(self) -> bytes:
        return b"".join(self.segments())


def decompressed(frame: bytes, length: int, window: int) -> bytes:
    """The content of a frame as in 4.5. The frame declares the length, and libzstd writes no more than declared."""
    try:
        said = zstandard.get_frame_parameters(frame)
        need(frame[:4] == b"\x28\xb5\x2f\xfd" and said.content_size == length, "damaged", "frame")
        need(said.window_size <= window and said.dict_id == 0 and not said.has_checksum, "damaged", "frame")
        return zstandard.ZstdDecompressor(max_window_size=window).decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Refused("damaged", f"frame: {error}") from None


# --- Sections 5 and 6: packs and manifests --------------------------------------------------------------------------------------

HEAD = {"v": one_of(1), "source": ID, "name": text(1, 255), "number": integer(1, 10**12 - 1), "kind": one_of("journal", "checkpoint"),
        "last": lambda value: type(value) is bool, "previousSha256": lambda value: value is None or hexadecimal(32)(value), "createdAt": TIME}
MEMBER = {"offset": SAFE_INTEGER, "length": integer(150, 2**53 - 1), "scope": text(1, 255), "keyId": ID}
SECTION = {**MEMBER, "rows": integer(1, 20_000)}
FILE = {**MEMBER, "source": ID, "entry": ID, "version": ID}
VERDICT = {"state": one_of("clean", "infected", "not_scanned"), "engine": text(), "signatureRevision": text(), "signatureSet": text(),
           "signaturesAt": TIME}
PLACEMENT = {"destination": text(), "object": matches("objects/[0-9a-f]{128}-[0-9a-f]{32}|packs/[0-9a-f]{64}"), "s3VersionId": text(), "offset": SAFE_INTEGER,
             "length": SAFE_INTEGER, "format": one_of("sealed-v1", "openpgp"), "key": ID, "generation": integer(0, 2**31 - 1), "iv": ID,
             "madeFor": ID, "lockMode": one_of("GOVERNANCE", "COMPLIANCE"), "retainUntil": TIME}
PROTECTED = ("uploaded", "duplicate")
ROW = {**NODE, "entry": ID, "path": lambda value: sound_path(from_base64(value, url=True)), "version": ID, "observation": SAFE_INTEGER,
       "kind": one_of("file", "dir", "link", "special"), "size": SAFE_INTEGER, "run": text(1, 255), "observedAt": TIME, "settledAt": TIME,
       "outcome": one_of(*PROTECTED, "ignored", "quarantined", "held", "failed", "vanished", "deleted")}
ROW_EXTRAS = {**EXTRAS, "reason": text(), "linkTarget": lambda value: from_base64(value, url=True) is not None, "sha512": hexadecimal(64),
              "sha256": hexadecimal(32), "mediaType": text(), "class": text(1, 255), "classification": text(), "bundle": hexadecimal(32),
              "verdict": lambda value: has_shape(value, VERDICT, {"reason": text(), "signature": text()}),
              "placements": lambda value: isinstance(value, list) and len(value) > 0 and all(map(is_placement, value))}


def is_placement(value) -> bool:
    return has_shape(value, PLACEMENT, {"sealedSha256": hexadecimal(32)}) and (value["format"] != "openpgp" or "sealedSha256" in value)


def is_row(value) -> bool:
    if not has_shape(value, ROW, ROW_EXTRAS) or ("sha512" in value) != ("sha256" in value):
        return False
    foreign = {"file": {"linkTarget"}, "link": {"hardlink", "sha512", "placements"}}.get(value["kind"], {"linkTarget", "hardlink", "sha512", "placements"})
    return not foreign & value.keys()


def is_head(value) -> bool:
    if not has_shape(value, HEAD, {"part": integer(2, 10**12 - 1)}):
        return False
    return value["kind"] == "checkpoint" or (value["last"] and "part" not in value)


def members_of(shape: dict):
    return lambda value: isinstance(value, list) and all(has_shape(each, shape, {}) for each in value)


def open_index(data: bytes, name: str, keys: dict, shape: dict, scope: str | None = None) -> tuple[dict, str]:
    """Section 5.3, steps 1 to 4: the content of a pack's index, which has that shape, and the scope it is sealed under (that one, if given)."""
    need(len(data) >= 158, "damaged", "too short")
    index_length = struct.unpack(">Q", data[-8:])[0]
    need(150 <= index_length <= len(data) - 8, "damaged", "length of the index")
    end = len(data) - 8 - index_length
    sealed = Sealed(io.BytesIO(data), end, index_length, keys, "pack index")
    need(sealed.size <= 16 * MIB and sealed.path == name.encode(), "damaged", "index")
    need(scope is None or sealed.metadata["scope"] == scope, "damaged", "scope of the index")
    index = parse(sealed.content(), "unsupported")
    need(has_shape(index, shape, {}), "unsupported", "index")
    at = 0
    for member in index["members"]:
        need(member["offset"] == at, "damaged", "members that leave a gap or overlap")
        at += member["length"]
    need(at == end, "damaged", "members that do not end at the index")
    return index, sealed.metadata["scope"]


def open_pack(data: bytes, name: str, keys: dict) -> list:
    """Section 5.4: the members of a content pack, as its index has them."""
    some = lambda value: members_of(FILE)(value) and 1 <= len(value) <= 4096
    index, scope = open_index(data, name, keys, {"v": one_of(1), "kind": one_of("content"), "members": some})
    members = index["members"]
    need(all(each["scope"] == scope for each in members), "damaged", "a member of another scope")
    need(len({each["version"] for each in members}) == len(members), "damaged", "two members of one version")
    return members


def open_member(data: bytes, member: dict, keys: dict) -> Sealed:
    """Section 5.4: a sealed file in a content pack."""
    sealed = Sealed(io.BytesIO(data), member["offset"], member["length"], keys, "content")
    same = all(sealed.metadata[each] == member[each] for each in ("scope", "source", "entry", "version"))
    need(same and sealed.key_id == member["keyId"], "damaged", "another member than its index names")
    return sealed


def pack_name(naming: bytes, scope: str, ivs: list) -> str:
    """Section 2."""
    return f"packs/{hmac.digest(expand(naming, b'holdfast/1/naming' + scope.encode(), 64), b''.join(ivs), 'sha256').hex()}"


def open_manifest(data: bytes, name: str, keys: dict) -> tuple[dict, list]:
    """Section 6.6: the head, and (member of the index, rows or None where its key is not known) of each section."""
    need(len(data) <= 128 * MIB, "damaged", "too long")
    need(not data.startswith(b"HOLDFSGN"), "unsupported", "a signed message of a write-only host (section 8.4), which this program does not read")
    shape = {"v": one_of(1), "head": is_head, "members": members_of(SECTION)}
    index, _ = open_index(data, name, keys, shape, "holdfast")
    head, members, file = index["head"], index["members"], io.BytesIO(data)
    need(len({each["scope"] for each in members}) == len(members) and sum(each["rows"] for each in members) <= 20_000, "unsupported", "index")
    need(name == f"manifests/{head['source']}/{head['number']:012}", "damaged", "the manifest of another name")
    sections, together = [], 0
    for member in members:
        if member["keyId"] not in keys:
            sections.append((member, None))
            continue
        sealed = Sealed(file, member["offset"], member["length"], keys, "manifest")
        together += sealed.size
        need(sealed.key_id == member["keyId"] and sealed.metadata["scope"] == member["scope"], "damaged", "key or scope of a section")
        need(sealed.path == name.encode() and together <= 64 * MIB, "damaged", "section")
        content = sealed.content()
        need(content.endswith(b"\n"), "unsupported", "the last line does not end")
        lines = content[:-1].split(b"\n")
        need(len(lines) == member["rows"] + 1 and lines[0] == canonical(head), "damaged", "head or number of rows")
        rows = [parse(line, "unsupported") for line in lines[1:]]
        need(all(map(is_row, rows)), "unsupported", "row")
        sections.append((member, rows))
    return head, sections
