#!/usr/bin/env python3
"""Makes the test vectors of docs/format.md: `make_vectors.py FOLDER`.

Written from the document alone. It shares no code with Holdfast, so a vector that opens shows that two independent
readings of the document agree. Everything is deterministic: the same files come out every time.
"""

import base64
import functools
import hashlib
import hmac
import json
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MIB = 1024 * 1024
RAW = 0x80000000
SCOPE = "default"


def named(label: str, length: int) -> bytes:
    """Bytes that stand for random ones."""
    return hashlib.shake_256(b"holdfast vector " + label.encode()).digest(length)


KEY_ID = named("key id", 16)
KEY = named("key", 64)
IV = named("iv", 16)
REPOSITORY = named("repository", 16).hex()
PASSWORD = "correct horse ünïcode".encode()


# --- Section 1: conventions ------------------------------------------------------------------------------------------


def canonical(value) -> bytes:
    """RFC 8785 for the values used here: strings, integers below 2^53, arrays, objects with ASCII names."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def expand(key: bytes, info: bytes, length: int) -> bytes:
    return hmac.digest(key, info + b"\x01", "sha512")[:length]


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# --- Section 4: sealed file ------------------------------------------------------------------------------------------


def keystream_xor(key: bytes, iv: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(data)


def metadata_for(content: bytes, **changes) -> dict:
    value = {
        "v": 1,
        "source": named("source", 16).hex(),
        "entry": named("entry", 16).hex(),
        "version": named("version", 16).hex(),
        "observation": 7,
        "purpose": "content",
        "kind": "file",
        "size": len(content),
        "mode": 0o644,
        "uid": 1000,
        "gid": 100,
        "mtimeNs": "1700000000123456789",
        "sha512": hashlib.sha512(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "scope": SCOPE,
        "class": "standard",
    }
    value.update(changes)
    return {name: member for name, member in value.items() if member is not None}


class Stored:
    """One segment as it is stored: its bytes, and whether they are raw."""

    def __init__(self, data: bytes, raw: bool):
        self.data, self.raw = data, raw


def split_raw(content: bytes) -> list:
    return [Stored(content[at : at + MIB], True) for at in range(0, len(content), MIB)]


def seal(content: bytes, **o) -> bytes:
    """A sealed file. The options break one rule each, with MACs that are right for what is written."""
    iv = o.get("iv", IV)
    path = o.get("path", b"docs/report.txt")
    plain_metadata = o.get("plain_metadata")
    if plain_metadata is None:
        plain_metadata = struct.pack(">H", len(path)) + path + canonical(o.get("metadata") or metadata_for(content))
    segments = o.get("segments")
    if segments is None:
        segments = split_raw(content)
    key_id = o.get("key_id", KEY_ID)
    info = b"holdfast/1/file" + key_id + o.get("purpose", "content").encode() + iv
    keys = expand(o.get("key", KEY), info, 64)
    encrypt, authenticate = keys[:32], keys[32:]

    stream = keystream_xor(encrypt, iv, plain_metadata + b"".join(s.data for s in segments))
    encrypted_metadata, at = stream[: len(plain_metadata)], len(plain_metadata)
    table = b""
    for index, segment in enumerate(segments):
        piece = stream[at : at + len(segment.data)]
        at += len(piece)
        tag = hmac.digest(authenticate, b"\x01" + struct.pack(">I", index) + piece, "sha256")[:16]
        length = o.get("lengths", {}).get(index, len(piece))
        table += struct.pack(">I", length | (RAW if segment.raw else 0)) + tag
    body = stream[len(plain_metadata) :]
    head = iv + struct.pack(">I", o.get("metadata_length", len(plain_metadata)))
    footer = struct.pack(
        ">8sHHIII16sQQQ32s",
        o.get("magic", b"HOLDFAST"),
        o.get("version", 1),
        o.get("compression", 0),
        o.get("segment_size", MIB),
        o.get("segment_count", len(segments)),
        o.get("reserved_word", 0),
        key_id,
        o.get("plaintext_length", len(content)),
        o.get("ciphertext_length", len(body)),
        o.get("table_length", len(table)),
        o.get("reserved_tail", bytes(32)),
    )
    mac = hmac.digest(authenticate, b"\x02" + head + encrypted_metadata + table + footer, "sha256")
    return head + encrypted_metadata + body + table + footer + mac


# --- RFC 8878: Zstandard frames, by hand -----------------------------------------------------------------------------


def zstd_blocks(runs: list) -> bytes:
    """RLE blocks: each run is (byte, length up to 128 KiB)."""
    blocks = b""
    for position, (byte, length) in enumerate(runs):
        last = 1 if position == len(runs) - 1 else 0
        blocks += (last | (1 << 1) | (length << 3)).to_bytes(3, "little") + bytes([byte])
    return blocks


def zeros_runs(length: int) -> list:
    runs = [(0, 131072)] * (length // 131072)
    return runs + ([(0, length % 131072)] if length % 131072 else [])


def zstd_zeros(length: int, declared=None) -> bytes:
    """A frame of zeros in one segment that declares its size in four bytes."""
    size = struct.pack("<I", length if declared is None else declared)
    return b"\x28\xb5\x2f\xfd\xa0" + size + zstd_blocks(zeros_runs(length))


def zstd_windowed(length: int, window: int, flags: int = 0x80) -> bytes:
    size = struct.pack("<I", length) if flags & 0xC0 else b""
    return b"\x28\xb5\x2f\xfd" + bytes([flags, window]) + size + zstd_blocks(zeros_runs(length))


FOX = b"".join(b"line %d: the quick brown fox jumps over the lazy dog\n" % i for i in range(60))
# What libzstd 1.5.7 makes of FOX at level 19.
FOX_FRAME = bytes.fromhex(
    "28b52ffd60620bd50400e2461718706f0320d5df71c7559f5caaaaf1777745443cbdeaaff9020f9f7b6fdef6113ef7debccd"
    "237ceebd795b47f8dc7bf3368ef0b9f7e6dd089f7b6f5ee098856299c044b29a2a3d0da5e8350d75ac190dba100905a94426"
    "0d9a4a2761023da811b0b7b5df01e035cb01113404ffff3fc20f544012494804c94892784026492292483292890589483210"
    "bcc5000000007c8eaf2cd562dd55"
)


# --- Section 3: keyring ----------------------------------------------------------------------------------------------


OLD_MASTER, MASTER, NAMING, PATH_ID = named("old master", 64), named("master", 64), named("naming", 64), named("path id", 64)
OLD_MASTER_ID, MASTER_ID = named("old master id", 16), named("root key id", 16)


def scope_id(name: str) -> str:
    return hmac.digest(NAMING, name.encode(), "sha256")[:16].hex()


def document(plaintext: bytes, wrapping_key: bytes, nonce: bytes, changes=None, **header) -> dict:
    """A keyring document; `changes` are made after wrapping, with a checksum that matches them."""
    nonce_text = b64url(nonce)
    wrapped = AESGCM(wrapping_key).encrypt(nonce, plaintext, canonical(header))
    value = {**header, "nonce": nonce_text, "wrapped": b64url(wrapped), **(changes or {})}
    value["checksum"] = b64url(hashlib.sha256(canonical(value)).digest())
    return value


ITERATIONS = 600_000


@functools.cache
def password_key(salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", PASSWORD, salt, ITERATIONS, 32)


def key_entries(*pairs) -> list:
    return [{"id": b64url(key_id), "key": b64url(key)} for key_id, key in pairs]


def root_members(**o) -> dict:
    return {
        "masters": key_entries((OLD_MASTER_ID, OLD_MASTER), (MASTER_ID, MASTER)),
        "naming": b64url(NAMING),
        "pathId": b64url(PATH_ID),
        "payload": key_entries(*((named(f"payload id {i}", 16), named(f"payload key {i}", 32)) for i in (1, 2))),
        **o,
    }


def root_document(changes=None, iterations=ITERATIONS, plaintext=None, **o) -> dict:
    salt = named("salt", 16)
    # Counts that must be refused before deriving need no key of theirs.
    wrapping_key = password_key(salt) if iterations == ITERATIONS else bytes(32)
    header = {
        "v": 1,
        "repository": REPOSITORY,
        "keyId": MASTER_ID.hex(),
        "purpose": "root",
        "generation": 3,
        "holder": "owner",
        "kdf": "pbkdf2-hmac-sha256",
        "iterations": iterations,
        "salt": b64url(salt),
    }
    header.update(o)
    header = {name: value for name, value in header.items() if value is not None}
    return document(plaintext or canonical(root_members()), wrapping_key, named("root nonce", 12), changes, **header)


def scope_members(**o) -> bytes:
    return canonical({"name": SCOPE, "number": 2, "key": b64url(KEY), **o})


def scope_document(changes=None, master=MASTER, plaintext=None, **o) -> dict:
    header = {
        "v": 1,
        "repository": REPOSITORY,
        "keyId": KEY_ID.hex(),
        "purpose": f"scope/{scope_id(SCOPE)}",
        "generation": 3,
        "kdf": "holdfast-wrap",
        "iterations": 0,
        "salt": "",
    }
    header.update(o)
    return document(plaintext or scope_members(), expand(master, b"holdfast/1/wrap", 32), named("scope nonce", 12), changes, **header)


# --- Sections 5 and 6: packs and manifests ---------------------------------------------------------------------------


SOURCE = named("source", 16).hex()
MANIFEST = f"manifests/{SOURCE}/000000000002"
SCOPE_KEYS = {scope: (named(f"key id of {scope}", 16), named(f"key of {scope}", 64)) for scope in ("holdfast", "default", "restricted")}


def part(content: bytes, purpose: str, scope: str, label: str, **o) -> bytes:
    """A sealed file of a pack: `label` makes its IV. Options as for `seal`, and `short` for members of its metadata."""
    key_id, key = SCOPE_KEYS[o.pop("sealed_under", scope)]
    metadata = {
        "v": 1,
        "purpose": purpose,
        "size": len(content),
        "sha512": hashlib.sha512(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "scope": scope,
        **o.pop("short", {}),
    }
    path = o.pop("path", MANIFEST.encode())
    return seal(content, purpose=purpose, key_id=key_id, key=key, iv=named(f"iv {label}", 16), metadata=metadata, path=path, **o)


def manifest_head(**changes) -> dict:
    head = {
        "v": 1,
        "source": SOURCE,
        "name": "dokumente-ü",
        "number": 2,
        "kind": "journal",
        "last": True,
        "previousSha256": hashlib.sha256(b"manifest 1").hexdigest(),
        "createdAt": "2026-01-31T23:59:59.999Z",
    }
    head.update(changes)
    return head


def manifest_row(label: str, **changes) -> dict:
    row = {
        "entry": named(f"entry {label}", 16).hex(),
        "path": b64url(f"folder/{label}".encode()),
        "version": named(f"version {label}", 16).hex(),
        "observation": 1,
        "kind": "dir",
        "outcome": "uploaded",
        "size": 4096,
        "mode": 0o755,
        "uid": 1000,
        "gid": 100,
        "mtimeNs": "1700000000123456789",
        "run": named("run", 16).hex(),
        "observedAt": "2026-01-31T23:59:50.000Z",
        "settledAt": "2026-01-31T23:59:51.000Z",
    }
    row.update(changes)
    return {name: member for name, member in row.items() if member is not None}


def placement(label: str, **changes) -> dict:
    value = {
        "destination": "primary",
        "object": f"objects/{named('object', 64).hex()}-{IV.hex()}",
        "s3VersionId": "3/L4kqtJlcpXroDTDmJ",
        "offset": 0,
        "length": 1234,
        "format": "sealed-v1",
        "key": KEY_ID.hex(),
        "generation": 0,
        "iv": IV.hex(),
        "madeFor": named(f"version {label}", 16).hex(),
        "lockMode": "GOVERNANCE",
        "retainUntil": "2026-05-01T00:00:00.000Z",
    }
    value.update(changes)
    return value


def file_row(label: str, **changes) -> dict:
    content = label.encode()
    more = {
        "kind": "file",
        "size": len(content),
        "mode": 0o644,
        "sha512": hashlib.sha512(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "mediaType": "text/plain",
        "class": "standard",
        "classification": "internal",
        "bundle": named("bundle", 32).hex(),
        "verdict": {
            "state": "clean",
            "engine": "ClamAV 1.4.6",
            "signatureRevision": "27000",
            "signaturesAt": "2026-01-31T00:00:00.000Z",
            "signatureSet": "official",
        },
        "placements": [placement(label)],
    }
    return manifest_row(label, **{**more, **changes})


def json_lines(*values) -> bytes:
    return b"".join(canonical(value) + b"\n" for value in values)


def section(scope: str, rows: list, **o) -> dict:
    """A sealed section and what the index says of it; `said` changes the latter."""
    content = o.pop("content", None)
    if content is None:
        content = json_lines(o.pop("head", manifest_head()), *rows)
    said = o.pop("said", {})
    sealed = part(content, "manifest", scope, f"section {scope}", **o)
    facts = {"length": len(sealed), "scope": scope, "keyId": SCOPE_KEYS[scope][0].hex(), "rows": len(rows)}
    return {"sealed": sealed, "facts": {**facts, **said}}


def manifest(sections: list, **o) -> bytes:
    """A manifest; the options break one rule each."""
    members, at = [], 0
    for one in sections:
        members.append({"offset": at, **one["facts"]})
        at += len(one["sealed"])
    index = o.get("index")
    if index is None:
        index = {"v": 1, "head": o.get("head", manifest_head()), "members": o.get("members", members), **o.get("more", {})}
    content = index if isinstance(index, bytes) else canonical(index)
    sealed_index = part(content, o.get("index_purpose", "pack index"), o.get("index_scope", "holdfast"), "index", **o.get("index_options", {}))
    length = o.get("index_length", len(sealed_index))
    body = b"".join(one["sealed"] for one in sections) + o.get("gap", b"")
    return body + sealed_index + struct.pack(">Q", length)


PACK_NAMING = named("pack naming", 64)
OLDER_KEY = (named("older key id of default", 16), named("older key of default", 64))


def packed(label: str, **o) -> dict:
    """A sealed file of a pack and what the index says of it; `said` changes the latter, the rest is for `seal`, `facts` for its metadata."""
    content = o.pop("content", f"content of {label}".encode())
    scope, said, facts = o.pop("scope", SCOPE), o.pop("said", {}), o.pop("facts", {})
    key_id, key = o.pop("under", SCOPE_KEYS[scope])
    ids = {name: named(f"{name} {label}", 16).hex() for name in ("entry", "version")}
    metadata = metadata_for(content, **{"scope": scope, **ids, **facts})
    path = f"folder/{label}.txt".encode()
    sealed = seal(content, **{"metadata": metadata, "path": path, "key_id": key_id, "key": key, "iv": named(f"iv packed {label}", 16), **o})
    member = {"length": len(sealed), "scope": scope, "keyId": key_id.hex(), "source": SOURCE, **ids, **said}
    return {"sealed": sealed, "member": member, "opened": {"content": content.hex(), "path": path.hex()}}


def pack_name(files: list, scope: str = SCOPE) -> str:
    naming = expand(PACK_NAMING, b"holdfast/1/naming" + scope.encode(), 64)
    return f"packs/{hmac.digest(naming, b''.join(each['sealed'][:16] for each in files), 'sha256').hex()}"


def laid(files: list) -> list:
    members, at = [], 0
    for each in files:
        members.append({"offset": at, **each["member"]})
        at += len(each["sealed"])
    return members


def content_pack(files: list, **o) -> bytes:
    """A content pack; the options break one rule each."""
    index = o.get("index")
    if index is None:
        index = {"v": 1, "kind": "content", "members": o.get("members", laid(files)), **o.get("more", {})}
        index = {name: member for name, member in index.items() if member is not None}
    content = index if isinstance(index, bytes) else canonical(index)
    options = {"path": pack_name(files).encode(), **o.get("index_options", {})}
    sealed_index = part(content, o.get("index_purpose", "pack index"), o.get("index_scope", SCOPE), "index of a pack", **options)
    length = o.get("index_length", len(sealed_index))
    return b"".join(each["sealed"] for each in files) + o.get("gap", b"") + sealed_index + struct.pack(">Q", length)


# --- The vectors -----------------------------------------------------------------------------------------------------


FOLDER = None


def write(name: str, kind: str, expect: str, comment: str, lines: dict, body: bytes = b"") -> None:
    head = {"name": name, "kind": kind, "expect": expect, "comment": comment, **lines}
    encoded = base64.b64encode(body).decode()
    wrapped = [encoded[at : at + 76] for at in range(0, len(encoded), 76)]
    text = "".join(f"{key}: {value}\n" for key, value in head.items()) + "\n" + "".join(f"{row}\n" for row in wrapped)
    (FOLDER / f"{name}.txt").write_bytes(text.encode())


def opens(name: str, comment: str, content: bytes, how: str, algorithm: str = "none", **o) -> None:
    """`how` says how a test makes the content: `hex …`, `zeros N`, `fox`, `shake256 LABEL N`."""
    metadata = o.pop("metadata", None) or metadata_for(content)
    compression = {"none": 0, "zstd": 1}[algorithm]
    sealed = seal(content, metadata=metadata, compression=compression, **o)
    lines = {
        "key-id": KEY_ID.hex(),
        "key": KEY.hex(),
        "iv": o.get("iv", IV).hex(),
        "path": o.get("path", b"docs/report.txt").hex(),
        "metadata": canonical(metadata).decode(),
        "compression": algorithm,
        "content": how,
    }
    if len(sealed) > 100_000:
        write(name, "digest", "success", comment, {**lines, "sha256": hashlib.sha256(sealed).hexdigest()})
    else:
        write(name, "sealed", "success", comment, lines, sealed)


def refused(name: str, expect: str, comment: str, sealed: bytes, at: str = "open", key=KEY, key_id=KEY_ID) -> None:
    """`at` says when: `open`, before any segment is read; `segment`; `content`, when the whole is compared."""
    write(name, "sealed", expect, comment, {"refused-at": at, "key-id": key_id.hex(), "key": key.hex()}, sealed)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]


HELLO = b"hello, holdfast\n"


def make_sealed_successes() -> None:
    opens("empty", "no content: no segments and an empty table", b"", "hex")
    opens("one-byte", "the shortest content", b"\x00", "hex 00")
    opens("raw", "one raw segment", HELLO, f"hex {HELLO.hex()}")
    opens(
        "path-bytes",
        "a path that is not UTF-8, with a newline",
        HELLO,
        f"hex {HELLO.hex()}",
        path=b"caf\xe9/new\nline",
    )
    opens("iv-wraps", "the counter wraps from 2^128-1 to 0", HELLO, f"hex {HELLO.hex()}", iv=b"\xff" * 16)
    opens(
        "iv-carries",
        "the counter carries through its lower eight bytes",
        HELLO,
        f"hex {HELLO.hex()}",
        iv=b"\x01" * 8 + b"\xff" * 7 + b"\xfe",
    )
    opens(
        "metadata-optional",
        "hard link, extended attributes, a time before 1970, all permission bits, large ids",
        HELLO,
        f"hex {HELLO.hex()}",
        metadata=metadata_for(
            HELLO,
            hardlink=named("other", 16).hex(),
            xattrs={"user.note": base64.b64encode(b"\x00\xff").decode(), "user.empty": ""},
            xattrsDropped=2,
            mtimeNs="-9223372036854775808",
            mode=0o7777,
            uid=2**32 - 1,
            gid=0,
            observation=2**53 - 1,
            scope="bücher",
        ),
    )
    opens(
        "metadata-unknown-member",
        "members a reader does not know are kept and ignored",
        HELLO,
        f"hex {HELLO.hex()}",
        metadata=metadata_for(HELLO, future={"deep": [1, "two"]}),
    )
    opens("zstd-library", "a frame made by libzstd", FOX, "fox", "zstd", segments=[Stored(FOX_FRAME, False)])
    opens("zstd-not-shrunk", "asked to compress, stored raw because it would not shrink", HELLO, f"hex {HELLO.hex()}", "zstd")
    zeros = bytes(MIB)
    opens("zstd-full-segment", "exactly one full segment", zeros, f"zeros {MIB}", "zstd", segments=[Stored(zstd_zeros(MIB), False)])
    window = zstd_windowed(MIB, 10 << 3)
    opens("zstd-windowed", "a window descriptor of exactly the segment size", zeros, f"zeros {MIB}", "zstd", segments=[Stored(window, False)])
    long = bytes(2 * MIB + 10)
    mixed = [Stored(zstd_zeros(MIB), False), Stored(zstd_zeros(MIB), False), Stored(bytes(10), True)]
    opens("zstd-and-raw", "two compressed segments and a short raw one", long, f"zeros {len(long)}", "zstd", segments=mixed)
    many = named("content", 2 * MIB + 12345)
    opens("raw-three-segments", "three raw segments; only the digest is kept", many, f"shake256 content {len(many)}")


def make_sealed_damage() -> None:
    whole = seal(HELLO)
    metadata_at, metadata_length = 20, struct.unpack(">I", whole[16:20])[0]
    segment_at = metadata_at + metadata_length
    table_at = segment_at + len(HELLO)
    refused("nothing", "damaged", "no bytes at all", b"")
    refused("too-short", "damaged", "one byte less than any sealed file", whole[-149:])
    refused("cut-first", "damaged", "the first byte is missing", whole[1:])
    refused("cut-last", "damaged", "the last byte is missing", whole[:-1])
    refused("cut-middle", "damaged", "one byte of the segment is missing", whole[:segment_at] + whole[segment_at + 1 :])
    refused("cut-footer", "damaged", "the footer is missing: never a fallback", whole[:-128])
    refused("extended", "damaged", "one byte more at the end", whole + b"\x00")
    refused("extended-middle", "damaged", "one byte more before the table", whole[:table_at] + b"\x00" + whole[table_at:])
    refused("flipped-iv", "damaged", "one bit of the IV", flipped(whole, 0))
    refused("flipped-metadata", "damaged", "one bit of the metadata", flipped(whole, metadata_at + 5))
    refused("flipped-segment", "damaged", "one bit of the segment", flipped(whole, segment_at), at="segment")
    refused("flipped-tag", "damaged", "one bit of the segment's tag", flipped(whole, table_at + 4))
    refused("flipped-mac", "damaged", "one bit of the footer's MAC", flipped(whole, len(whole) - 1))
    refused("flipped-magic", "damaged", "one bit of the magic", flipped(whole, len(whole) - 128))
    other = seal(HELLO, iv=named("other iv", 16))
    refused("swapped-footer", "damaged", "the footer of another sealing", whole[:-128] + other[-128:])
    refused("swapped-segment", "damaged", "the segment of another sealing", whole[:segment_at] + other[segment_at:table_at] + whole[table_at:], at="segment")
    refused("wrong-key", "damaged", "another key under the same id", whole, key=named("other key", 64))
    refused("unknown-key", "unknown-key", "no key of that id", whole, key_id=named("other key id", 16))
    refused("other-purpose", "damaged", "sealed for another purpose", seal(HELLO, purpose="staging"))

    zeros = bytes(2 * MIB)
    same = seal(zeros, compression=1, segments=[Stored(zstd_zeros(MIB), False), Stored(zstd_zeros(MIB), False)])
    length = len(zstd_zeros(MIB))
    at = 20 + struct.unpack(">I", same[16:20])[0]
    first, second = same[at : at + length], same[at + length : at + 2 * length]
    refused("swapped-order", "damaged", "two segments of one file in the other order", same[:at] + second + first + same[at + 2 * length :], at="segment")
    rows = at + 2 * length
    both = same[:at] + second + first + same[rows + 20 : rows + 40] + same[rows : rows + 20] + same[rows + 40 :]
    refused("swapped-order-and-table", "damaged", "two segments in the other order, their table entries too", both)


def make_sealed_contradictions() -> None:
    """MACs are right in all of these: only the rules of section 4.8 refuse them."""
    refused("version-0", "unsupported", "version 0", seal(HELLO, version=0))
    refused("version-2", "unsupported", "version 2", seal(HELLO, version=2))
    refused("compression-2", "unsupported", "compression 2", seal(HELLO, compression=2))
    refused("reserved-word", "unsupported", "the reserved word is not zero", seal(HELLO, reserved_word=1))
    refused("reserved-tail", "unsupported", "a reserved byte is not zero", seal(HELLO, reserved_tail=bytes(31) + b"\x01"))
    refused("segment-size", "damaged", "2 MiB where the length gives 1 MiB", seal(HELLO, segment_size=2 * MIB))
    refused("segment-size-0", "damaged", "a segment size of 0", seal(HELLO, segment_size=0))
    refused("segment-count", "damaged", "two segments where the length gives one", seal(HELLO, segment_count=2))
    refused("table-length", "damaged", "a table length that is not 20 a segment", seal(HELLO, table_length=40))
    extra = seal(HELLO, segments=[Stored(HELLO, True), Stored(b"", True)])
    refused("extra-segment", "damaged", "an empty segment after the last", extra)
    refused("metadata-length-bomb", "damaged", "metadata of 4 GiB - 1", seal(HELLO, metadata_length=2**32 - 1))
    refused("metadata-length-over", "damaged", "metadata of 1 MiB + 1", seal(HELLO, metadata_length=MIB + 1))
    refused("plaintext-length-bomb", "damaged", "64 TiB in a small file", seal(HELLO, plaintext_length=2**46, segment_size=16 * MIB, segment_count=2**22, table_length=20 * 2**22))
    refused("plaintext-length-over", "damaged", "2^64 - 1 bytes", seal(HELLO, plaintext_length=2**64 - 1, segment_size=16 * MIB, segment_count=2**32 - 1))
    refused("ciphertext-length-bomb", "damaged", "ciphertext of 2^63 bytes", seal(HELLO, ciphertext_length=2**63))
    refused("ciphertext-grew", "damaged", "ciphertext longer than the content", seal(HELLO, plaintext_length=len(HELLO) - 1))
    refused("raw-short", "damaged", "a raw segment shorter than what it covers", seal(HELLO, segments=[Stored(HELLO[:-1], True)]))
    zeros = bytes(MIB)
    frame = zstd_zeros(MIB)
    refused("compressed-under-none", "damaged", "a compressed segment where compression is none", seal(zeros, segments=[Stored(frame, False)]))
    refused("compressed-empty", "damaged", "a compressed segment of no bytes", seal(zeros, compression=1, segments=[Stored(b"", False)]))
    tiny = bytes(len(zstd_zeros(5)))
    refused("compressed-not-shorter", "damaged", "a frame as long as what it covers", seal(tiny, compression=1, segments=[Stored(zstd_zeros(len(tiny)), False)]))
    missing = seal(bytes(2 * MIB), compression=1, segments=[Stored(frame, False)])
    refused("segment-missing", "damaged", "one segment where the length gives two", missing)
    refused("table-sum", "damaged", "stored lengths that do not add up", seal(zeros, compression=1, segments=[Stored(frame, False)], lengths={0: len(frame) - 1}))
    wrong = metadata_for(HELLO, sha512=hashlib.sha512(b"other").hexdigest())
    refused("content-digest", "damaged", "the content is not what the metadata says", seal(HELLO, metadata=wrong), at="content")


def make_metadata_refusals() -> None:
    def one(name: str, expect: str, comment: str, **o) -> None:
        refused(f"metadata-{name}", expect, comment, seal(HELLO, **o))

    one("v2", "unsupported", "another v", metadata=metadata_for(HELLO, v=2))
    one("missing", "unsupported", "sha512 is missing", metadata=metadata_for(HELLO, sha512=None))
    one("type", "unsupported", "mode is a string", metadata=metadata_for(HELLO, mode="420"))
    one("fraction", "unsupported", "uid is not whole", metadata=metadata_for(HELLO, uid=0.5))
    one("mode", "unsupported", "mode above 4095", metadata=metadata_for(HELLO, mode=4096))
    one("mtime-zero", "unsupported", "a time of -0", metadata=metadata_for(HELLO, mtimeNs="-0"))
    one("mtime-over", "unsupported", "a time of 2^63", metadata=metadata_for(HELLO, mtimeNs=str(2**63)))
    one("hex", "unsupported", "an id in capitals", metadata=metadata_for(HELLO, entry="AB" * 16))
    one("kind", "unsupported", "another kind", metadata=metadata_for(HELLO, kind="dir"))
    one("xattr", "unsupported", "an attribute that is not base64", metadata=metadata_for(HELLO, xattrs={"user.a": "a"}))
    one("size", "damaged", "a size other than the footer's", metadata=metadata_for(HELLO, size=len(HELLO) + 1))
    one("purpose", "damaged", "a purpose other than the keys'", metadata=metadata_for(HELLO, purpose="staging"))
    json_bytes = canonical(metadata_for(HELLO))
    one("path-cut", "unsupported", "a path longer than the metadata", plain_metadata=b"\xff\xff" + b"a" * 10)
    one("not-json", "unsupported", "no JSON", plain_metadata=b"\x00\x01a" + json_bytes[:-1])
    one("not-utf8", "unsupported", "JSON that is not UTF-8", plain_metadata=b"\x00\x01a" + json_bytes.replace(b"standard", b"st\xffndard"))
    one("surrogate", "unsupported", "half a character", plain_metadata=b"\x00\x01a" + json_bytes.replace(b"standard", b"\\ud800"))
    one("array", "unsupported", "an array", plain_metadata=b"\x00\x01a[]")
    for name, path in {
        "empty": b"",
        "absolute": b"/etc/passwd",
        "parent": b"../up",
        "parent-inside": b"a/../b",
        "dot": b"a/./b",
        "double-slash": b"a//b",
        "trailing-slash": b"a/",
        "nul": b"a\x00b",
    }.items():
        one(f"path-{name}", "unsupported", "a path outside the rules", path=path)


def make_frame_refusals() -> None:
    def one(name: str, comment: str, frame: bytes) -> None:
        refused(f"zstd-{name}", "damaged", comment, seal(bytes(MIB), compression=1, segments=[Stored(frame, False)]), at="segment")

    good = zstd_zeros(MIB)
    one("bomb", "a frame that declares 2 GiB", zstd_zeros(MIB, declared=2**31))
    one("bomb-lying", "declares 1 MiB and holds 16 MiB", zstd_zeros(16 * MIB, declared=MIB))
    one("short", "declares 1 MiB and holds 128 KiB less", zstd_zeros(MIB - 131072, declared=MIB))
    one("trailing", "a byte after the frame", good + b"\x00")
    one("two-frames", "an empty second frame", good + b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00")
    one("skippable", "a skippable frame first", b"\x50\x2a\x4d\x18\x01\x00\x00\x00\x00" + good)
    one("cut", "the last block is missing", good[:-4])
    one("window", "a window of 2 MiB", zstd_windowed(MIB, 11 << 3))
    one("no-size", "the content size is not declared", zstd_windowed(MIB, 10 << 3, flags=0))
    one("checksum", "a frame checksum", b"\x28\xb5\x2f\xfd\xa4" + good[5:] + b"\x00" * 4)
    one("dictionary", "a dictionary id", b"\x28\xb5\x2f\xfd\xa1\x01" + good[5:])
    one("not-a-frame", "no frame at all", b"these bytes are no Zstandard frame")


def make_keyring() -> None:
    secret = {"password": PASSWORD.hex()}
    opened = {
        **secret,
        "repository": REPOSITORY,
        "generation": 3,
        "holder": "owner",
        "masters": f"{OLD_MASTER_ID.hex()}={OLD_MASTER.hex()},{MASTER_ID.hex()}={MASTER.hex()}",
        "naming": NAMING.hex(),
        "path-id": PATH_ID.hex(),
        "payload": ",".join(named(f"payload id {i}", 16).hex() + "=" + named(f"payload key {i}", 32).hex() for i in (1, 2)),
    }
    secrets = opened["masters"]
    good = root_document()
    write("root", "root", "success", "a root with two master keys and two payload keys", opened, canonical(good))
    wrong = {"password": b"wrong horse".hex()}
    write("root-wrong-password", "root", "wrong-password", "another password", wrong, canonical(good))
    altered = canonical(root_document(changes={"generation": 4}))
    write("root-altered", "root", "wrong-password", "altered with a checksum that matches: only the tag refuses it", secret, altered)

    def refused_root(name: str, expect: str, comment: str, body: bytes) -> None:
        write(f"root-{name}", "root", expect, comment, secret, body)

    refused_root("iterations-2-32", "hostile-keyring", "2^32 iterations", canonical(root_document(iterations=2**32)))
    refused_root("iterations-over", "hostile-keyring", "one iteration too many", canonical(root_document(iterations=10_000_001)))
    refused_root("iterations-under", "hostile-keyring", "one iteration too few", canonical(root_document(iterations=599_999)))
    refused_root("iterations-negative", "corrupted-keyring", "-1 iterations", canonical(root_document(changes={"iterations": -1})))
    refused_root("checksum", "corrupted-keyring", "one character of the wrapped key", canonical({**good, "wrapped": "A" + good["wrapped"][1:]}))
    refused_root("v2", "unsupported", "version 2, with a member of its own", canonical(root_document(changes={"v": 2, "new": 1})))
    refused_root("member", "corrupted-keyring", "an unknown member", canonical(root_document(changes={"new": 1})))
    refused_root("proto", "corrupted-keyring", "a member that JavaScript treats specially", canonical(root_document(changes={"__proto__": {}})))
    missing = {name: value for name, value in good.items() if name != "salt"}
    refused_root("missing", "corrupted-keyring", "no salt", canonical(missing))
    refused_root("salt", "corrupted-keyring", "a salt of 8 bytes", canonical(root_document(changes={"salt": b64url(bytes(8))})))
    refused_root("padding", "corrupted-keyring", "base64url with padding", canonical(root_document(changes={"salt": b64url(bytes(16)) + "=="})))
    refused_root("spaces", "corrupted-keyring", "not canonical", json.dumps(good, sort_keys=True).encode())
    refused_root("twice", "corrupted-keyring", "a member twice", b'{"checksum":"",' + canonical(good)[1:])
    refused_root("cut", "corrupted-keyring", "the last byte is missing", canonical(good)[:-1])
    refused_root("scope-purpose", "corrupted-keyring", "a scope key where a root is expected", canonical(scope_document()))
    refused_root("empty", "corrupted-keyring", "no bytes", b"")
    refused_root("no-holder", "corrupted-keyring", "no holder", canonical(root_document(holder=None)))
    refused_root("holder-empty", "corrupted-keyring", "a holder without name", canonical(root_document(holder="")))
    refused_root("holder-long", "corrupted-keyring", "a holder of 65 characters", canonical(root_document(holder="a" * 65)))
    refused_root("holder-control", "corrupted-keyring", "a holder that would steer a terminal", canonical(root_document(holder="\x1b[2J")))
    refused_root("holder-altered", "wrong-password", "passed off as another holder's, with a checksum that matches", canonical(root_document(changes={"holder": "recovery-kit"})))

    def refused_members(name: str, comment: str, **o) -> None:
        refused_root(name, "corrupted-keyring", comment, canonical(root_document(plaintext=canonical(root_members(**o)))))

    refused_root("plaintext", "corrupted-keyring", "the right password opens something else", canonical(root_document(plaintext=b"{}")))
    refused_members("no-masters", "no master key", masters=[])
    refused_members("masters-repeated", "a master key id twice", masters=key_entries((MASTER_ID, OLD_MASTER), (MASTER_ID, MASTER)))
    refused_members("masters-order", "the document names the first master key", masters=key_entries((MASTER_ID, MASTER), (OLD_MASTER_ID, OLD_MASTER)))
    refused_members("master-short", "a master key of 63 bytes", masters=key_entries((MASTER_ID, MASTER[:-1])))
    refused_members("payload-repeated", "a payload key id twice", payload=key_entries((IV, bytes(32)), (IV, bytes(32))))
    refused_members("plaintext-member", "an unknown member inside", new=1)

    keys = {"masters": secrets, "repository": REPOSITORY, "naming": NAMING.hex(), "scope": SCOPE}
    scope = scope_document()
    opened = {**keys, "scope-id": scope_id(SCOPE), "key-id": KEY_ID.hex(), "key": KEY.hex()}
    opened["number"] = 2
    write("scope", "scope", "success", "a scope key", opened, canonical(scope))
    older = scope_document(master=OLD_MASTER, generation=1)
    write("scope-older-master", "scope", "success", "wrapped under the first of two masters", opened, canonical(older))
    write("scope-last-number", "scope", "success", "the highest number", {**opened, "number": 99_999_999}, canonical(scope_document(plaintext=scope_members(number=99_999_999))))

    def refused_scope(name: str, comment: str, body: dict, expect: str = "corrupted-keyring", **o) -> None:
        write(f"scope-{name}", "scope", expect, comment, {**keys, **o}, canonical(body))

    refused_scope("other-root", "wrapped under another master", scope_document(master=named("other master", 64)))
    refused_scope("other-scope", "moved to another scope, with a checksum that matches", scope_document(changes={"purpose": "scope/" + "ab" * 16}))
    refused_scope("other-key-id", "another key id, with a checksum that matches", scope_document(changes={"keyId": "ab" * 16}))
    refused_scope("other-repository", "a document of another repository", scope_document(repository="ab" * 16))
    refused_scope("newer", "wrapped under another master, in a later generation", scope_document(master=named("other master", 64), generation=4), expect="newer-keyring")
    refused_scope("short", "a key of 63 bytes", scope_document(plaintext=scope_members(key=b64url(KEY[:-1]))))
    refused_scope("bare", "the bytes of the key and nothing else", scope_document(plaintext=KEY))
    refused_scope("other-name", "the name of another scope inside", scope_document(plaintext=scope_members(name="restricted")))
    refused_scope("name-long", "a name of 256 bytes", scope_document(purpose=f"scope/{scope_id('a' * 256)}", plaintext=scope_members(name="a" * 256)))
    refused_scope("number-0", "number 0", scope_document(plaintext=scope_members(number=0)))
    refused_scope("member", "an unknown member inside", scope_document(plaintext=scope_members(new=1)))
    refused_scope("spaces", "not canonical inside", scope_document(plaintext=scope_members().replace(b",", b", ")))
    refused_scope("holder", "a holder where none belongs", scope_document(holder="owner"))
    refused_scope("checksum", "one character of the wrapped key", {**scope, "wrapped": "A" + scope["wrapped"][1:]})
    refused_scope("iterations", "iterations where none belong", scope_document(iterations=600_000))
    refused_scope("v2", "version 2", scope_document(changes={"v": 2}), expect="unsupported")


def make_recovery_keys() -> None:
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

    def lettered(data: bytes) -> str:
        check = int.from_bytes(hashlib.sha256(data).digest()[:3], "big") >> 4
        value = int.from_bytes(data, "big") << 20 | check
        return "".join(letters[value >> 5 * at & 31] for at in reversed(range(36)))

    key = lettered(named("recovery key", 20))
    shown = "-".join(key[at : at + 4] for at in range(0, 36, 4))
    sloppy = f" {shown.lower().replace('-', ' ').replace('0', 'o').replace('1', 'l').replace('v', 'u')} "
    swapped = key[:3] + key[4] + key[3] + key[5:]
    write("recovery-key", "recovery-key", "success", "as it is shown", {"typed": shown, "password": key})
    write("recovery-key-sloppy", "recovery-key", "success", "lower case, blanks, letters that are confused", {"typed": sloppy.strip(), "password": key})
    write("recovery-key-zero", "recovery-key", "success", "twenty zero bytes", {"typed": lettered(bytes(20)), "password": lettered(bytes(20))})
    write("recovery-key-swapped", "recovery-key", "typing-error", "two letters exchanged", {"typed": swapped})
    write("recovery-key-wrong-letter", "recovery-key", "typing-error", "one letter wrong", {"typed": ("1" if key[0] == "0" else "0") + key[1:]})


def make_names() -> None:
    sha512 = hashlib.sha512(HELLO).digest()
    for name, scope in {"names": SCOPE, "names-unicode": "bücher/2024"}.items():
        naming = expand(NAMING, b"holdfast/1/naming" + scope.encode(), 64)
        lines = {
            "naming": NAMING.hex(),
            "scope": scope,
            "sha512": sha512.hex(),
            "iv": IV.hex(),
            "keyed": f"objects/{hmac.digest(naming, sha512, 'sha512').hex()}-{IV.hex()}",
            "plain": f"objects/{sha512.hex()}-{IV.hex()}",
            "scope-id": scope_id(scope),
            "root-name": "keys/root/00000003",
            "scope-name": f"keys/scope/{scope_id(scope)}/{KEY_ID.hex()}",
        }
        write(name, "names", "success", "object names", lines)
    for name, parts in {"ids": ["version", named("entry", 16).hex(), 7], "ids-text": ["event", "ünï\n\"quoted\"", "", 0]}.items():
        derived = hmac.digest(PATH_ID, canonical(parts), "sha256")[:16].hex()
        array = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
        write(name, "ids", "success", "a derived identifier", {"path-id": PATH_ID.hex(), "array": array, "id": derived})


def manifest_lines(known=tuple(SCOPE_KEYS), **lines) -> dict:
    keys = ",".join(f"{SCOPE_KEYS[scope][0].hex()}={SCOPE_KEYS[scope][1].hex()}" for scope in known)
    return {"object": MANIFEST, "keys": keys, **lines}


def make_manifests() -> None:
    folder, other = manifest_row("a"), manifest_row("b")
    link = manifest_row("link", kind="link", linkTarget=b64url(b"../\xff"), path=b64url(b"caf\xe9/link"), mode=0o777)
    tombstone = manifest_row("gone", kind="file", outcome="deleted", observation=2**53 - 1, mtimeNs="-1")
    secret = file_row("secret", xattrs={"user.note": "AP8="}, xattrsDropped=1, hardlink=named("entry a", 16).hex())
    openpgp = placement("copy", format="openpgp", sealedSha256=named("sealed", 32).hex(), lockMode="COMPLIANCE", destination="second")
    copy = file_row("copy", outcome="duplicate", placements=[placement("first"), openpgp])
    held = file_row("held", outcome="held", reason="denied", placements=None, verdict={
        "state": "not_scanned",
        "reason": "encrypted",
        "engine": "ClamAV 1.4.6",
        "signatureRevision": "27000",
        "signaturesAt": "2026-01-31T00:00:00.000Z",
        "signatureSet": "builtin-test",
    })

    def opens_as(name: str, comment: str, sections: list, head=None, known=tuple(SCOPE_KEYS), **o) -> None:
        head = head or manifest_head()
        made = [section(scope, rows, head=head) for scope, rows in sections]
        expected = [
            {"scope": scope, "keyId": SCOPE_KEYS[scope][0].hex(), "count": len(rows), "rows": rows if scope in known else None}
            for scope, rows in sections
        ]
        lines = manifest_lines(known, head=canonical(head).decode(), sections=canonical(expected).decode())
        write(name, "manifest", "success", comment, lines, manifest(made, head=head, **o))

    opens_as("manifest", "one section with one row", [("default", [folder])])
    everything = [("default", [folder, link, tombstone, copy]), ("restricted", [secret, held])]
    opens_as("manifest-scopes", "two scopes, every kind of member", everything)
    opens_as("manifest-shredded", "the key of one scope is not known: its rows are counted", everything, known=("holdfast", "default"))
    part_head = manifest_head(kind="checkpoint", last=False, previousSha256=None)
    opens_as("manifest-checkpoint-part", "a part of a checkpoint, first of its source", [("default", [folder])], head=part_head)
    later_head = manifest_head(kind="checkpoint", part=2)
    opens_as("manifest-checkpoint-end", "the second and final part of a checkpoint", [("default", [folder])], head=later_head)
    empty = manifest_head(kind="checkpoint")
    opens_as("manifest-empty", "a checkpoint of a source without anything", [], head=empty)

    def refused_manifest(name: str, expect: str, comment: str, body: bytes, **lines) -> None:
        known = lines.pop("known", tuple(SCOPE_KEYS))
        write(f"manifest-{name}", "manifest", expect, comment, {**manifest_lines(known), **lines}, body)

    one = [section("default", [folder])]
    good = manifest(one)
    length = struct.unpack(">Q", good[-8:])[0]
    refused_manifest("nothing", "damaged", "no bytes at all", b"")
    refused_manifest("short", "damaged", "one byte less than any pack", good[-157:])
    refused_manifest("cut-first", "damaged", "the first byte is missing", good[1:])
    refused_manifest("cut-last", "damaged", "the last byte is missing", good[:-1])
    refused_manifest("extended", "damaged", "one byte more at the end", good + b"\x00")
    refused_manifest("index-length-over", "damaged", "the index is one byte longer", manifest(one, index_length=length + 1))
    refused_manifest("index-length-under", "damaged", "the index is one byte shorter", manifest(one, index_length=length - 1))
    refused_manifest("index-length-0", "damaged", "the index has no bytes", manifest(one, index_length=0))
    refused_manifest("index-length-bomb", "damaged", "an index of 2^64 - 1 bytes", manifest(one, index_length=2**64 - 1))
    refused_manifest("flipped-index", "damaged", "one bit of the index", flipped(good, len(good) - 8 - length))
    refused_manifest("flipped-section", "damaged", "one bit of a section", flipped(good, 0))
    refused_manifest("unknown-key", "unknown-key", "the repository's own key is not known", good, known=("default",))
    refused_manifest("index-purpose", "damaged", "the index is sealed as a section", manifest(one, index_purpose="manifest"))
    refused_manifest("index-scope", "damaged", "the index is sealed under another scope", manifest(one, index_scope="default"))
    another = f"manifests/{SOURCE}/000000000003".encode()
    refused_manifest("index-of-another", "damaged", "the index of another manifest", manifest(one, index_options={"path": another}))
    refused_manifest("section-of-another", "damaged", "the section of another manifest", manifest([section("default", [folder], path=another)]))
    refused_manifest("moved", "damaged", "a manifest under the name of another", good, object=another.decode())
    refused_manifest("prefix", "damaged", "its name has a prefix", good, object=f"backup/{MANIFEST}")
    refused_manifest("index-member", "unsupported", "an unknown member in the index", manifest(one, more={"new": 1}))
    refused_manifest("index-v2", "unsupported", "an index of version 2", manifest(one, more={"v": 2}))
    refused_manifest("index-array", "unsupported", "an index that is no object", manifest(one, index=b"[]"))
    refused_manifest("index-not-json", "unsupported", "an index that is no JSON", manifest(one, index=b"{"))
    refused_manifest("short-form-member", "unsupported", "an unknown member in a part's metadata", manifest([section("default", [folder], short={"new": 1})]))
    refused_manifest("content-form", "unsupported", "a part with the metadata of a file", manifest([section("default", [folder], short=metadata_for(b""))]))

    two = [section("default", [folder]), section("restricted", [other])]
    first, second = len(two[0]["sealed"]), len(two[1]["sealed"])

    def with_members(*changes) -> bytes:
        offsets = (0, first)
        members = [{"offset": offsets[i], **two[i]["facts"], **changes[i]} for i in (0, 1)]
        return manifest(two, members=members)

    refused_manifest("gap", "damaged", "a byte between the members and the index", manifest(two, gap=b"\x00"))
    refused_manifest("gap-between", "damaged", "the second member begins one byte late", with_members({}, {"offset": first + 1, "length": second - 1}))
    refused_manifest("gap-first", "damaged", "the first member does not begin at 0", with_members({"offset": 1, "length": first - 1}, {}))
    refused_manifest("overlap", "damaged", "the second member begins one byte early", with_members({}, {"offset": first - 1, "length": second + 1}))
    refused_manifest("order", "damaged", "members listed in another order", manifest(two, members=[{"offset": first, **two[1]["facts"]}, {"offset": 0, **two[0]["facts"]}]))
    refused_manifest("unlisted", "damaged", "a member that the index does not list", manifest(two, members=[{"offset": 0, **two[0]["facts"]}]))
    refused_manifest("member-short", "unsupported", "a member shorter than any sealed file", with_members({"length": 149}, {}))
    refused_manifest("twice", "unsupported", "two sections of one scope", manifest([section("default", [folder]), section("default", [other])]))
    refused_manifest("scope-swapped", "damaged", "a section that says another scope", manifest([section("default", [folder], short={"scope": "restricted"})]))
    refused_manifest("key-swapped", "damaged", "a section under another key than the index says", manifest([section("default", [folder], sealed_under="restricted")]))
    refused_manifest("rows-over", "damaged", "one row less than the index says", manifest([section("default", [folder], said={"rows": 2})]))
    refused_manifest("rows-none", "unsupported", "a section without rows", manifest([section("default", [])]))
    refused_manifest("rows-bomb", "unsupported", "more rows than a manifest may have", manifest([section("default", [folder], said={"rows": 20001})]))

    def with_head(name: str, expect: str, comment: str, **changes) -> None:
        head = manifest_head(**changes)
        refused_manifest(f"head-{name}", expect, comment, manifest([section("default", [folder], head=head)], head=head))

    with_head("v2", "unsupported", "a head of version 2", v=2)
    with_head("member", "unsupported", "an unknown member in the head", new=1)
    with_head("number", "damaged", "another number than the object's name", number=3)
    with_head("source", "damaged", "another source than the object's name", source="ab" * 16)
    with_head("journal-part", "unsupported", "a journal that goes on", last=False)
    with_head("journal-numbered", "unsupported", "a journal that counts parts", part=2)
    with_head("part", "unsupported", "a first part that says so", kind="checkpoint", part=1)
    with_head("time", "unsupported", "a time without milliseconds", createdAt="2026-01-31T23:59:59Z")
    with_head("previous", "unsupported", "a hash in capitals", previousSha256="AB" * 32)
    mismatch = manifest([section("default", [folder], head=manifest_head(createdAt="2026-01-31T23:59:58.999Z"))])
    refused_manifest("head-mismatch", "damaged", "a section with another head than the index", mismatch)

    def with_row(name: str, comment: str, row: dict) -> None:
        refused_manifest(f"row-{name}", "unsupported", comment, manifest([section("default", [row])]))

    for name, path in {"empty": b"", "absolute": b"/etc/passwd", "parent": b"a/../../b", "dot": b"./a", "nul": b"a\x00b"}.items():
        with_row(f"path-{name}", "a path outside the rules", manifest_row("a", path=b64url(path)))
    with_row("path-padding", "base64url with padding", manifest_row("a", path=b64url(b"a") + "=="))
    with_row("path-text", "a path that is not encoded", manifest_row("a", path="folder/a"))
    with_row("member", "an unknown member", manifest_row("a", new=1))
    with_row("missing", "no observation", manifest_row("a", observation=None))
    with_row("cancelled", "an outcome that is never listed", manifest_row("a", outcome="cancelled"))
    with_row("link-of-file", "a link target on a folder", manifest_row("a", linkTarget=b64url(b"x")))
    with_row("placed-folder", "a folder with a placement", manifest_row("a", placements=[placement("a")]))
    with_row("one-hash", "one hash without the other", file_row("a", sha256=None))
    with_row("no-placements", "an empty array of placements", file_row("a", placements=[]))
    with_row("openpgp-hash", "an OpenPGP message without its SHA-256", file_row("a", placements=[placement("a", format="openpgp")]))
    with_row("mtime", "a time outside 64 bits", manifest_row("a", mtimeNs=str(2**63)))
    whole = json_lines(manifest_head(), folder)
    refused_manifest("line-open", "unsupported", "the last line does not end", manifest([section("default", [folder], content=whole[:-1])]))
    refused_manifest("line-empty", "damaged", "an empty line is one line too many", manifest([section("default", [folder], content=whole + b"\n")]))


def make_packs() -> None:
    a, b, empty = packed("a"), packed("b"), packed("empty", content=b"")
    three = [a, b, empty]
    default = SCOPE_KEYS[SCOPE]

    def lines_of(files: list, **lines) -> dict:
        pairs = lines.pop("known", [default])
        return {"object": pack_name(files), "keys": ",".join(f"{key_id.hex()}={key.hex()}" for key_id, key in pairs), **lines}

    def opens_as(name: str, comment: str, files: list, outcomes=None, body=None, **o) -> None:
        """`outcomes`: what becomes of a member, by its place, where it does not open."""
        members = [
            {**member, **({"refused": outcomes[at]} if at in (outcomes or {}) else files[at]["opened"])}
            for at, member in enumerate(o.get("members") or laid(files))
        ]
        known = {"known": o.pop("known")} if "known" in o else {}
        named_after = {} if body else {"named-after": PACK_NAMING.hex()}
        lines = lines_of(files, members=canonical(members).decode(), **named_after, **known)
        write(name, "pack", "success", comment, lines, body or content_pack(files, **o))

    opens_as("pack", "three files, the last without content", three)
    opens_as("pack-one", "a single file", [a])
    older = [a, packed("older", under=OLDER_KEY)]
    opens_as("pack-two-keys", "two keys of one scope", older, known=[default, OLDER_KEY])
    opens_as("pack-key-absent", "the key of one member is not known", older, {1: "unknown-key"})
    good = content_pack(three)
    opens_as("pack-flipped-first", "one bit of the first member's metadata", three, {0: "damaged"}, flipped(good, 30))
    opens_as("pack-flipped-second", "one bit of the second member's last byte", three, {1: "damaged"}, flipped(good, len(a["sealed"]) + len(b["sealed"]) - 1))
    opens_as("pack-flipped-content", "one bit of the second member's content", three, {1: "damaged"}, flipped(good, len(a["sealed"]) + len(b["sealed"]) - 150))
    swapped = b["sealed"] + a["sealed"] + good[2 * len(a["sealed"]) :]
    opens_as("pack-swapped", "two members of the same length have changed places", three, {0: "damaged", 1: "damaged"}, swapped)
    for name, facts in {"version": "version", "entry": "entry", "source": "source"}.items():
        other = packed("b", facts={facts: "ab" * 16})
        opens_as(f"pack-other-{name}", f"a member that says another {name} than the index", [a, other], {1: "damaged"})
    opens_as("pack-other-scope", "a member that says another scope than the index", [a, packed("b", facts={"scope": "restricted"})], {1: "damaged"})
    lying = [a, packed("b", said={"keyId": OLDER_KEY[0].hex()})]
    opens_as("pack-other-key", "a member under another key than the index says", lying, {1: "damaged"}, known=[default, OLDER_KEY])
    opens_as("pack-member-purpose", "a member sealed as a section of a manifest", [a, packed("b", purpose="manifest")], {1: "damaged"})
    opens_as("pack-member-v2", "a member of another metadata version", [a, packed("b", facts={"v": 2})], {1: "unsupported"})

    def refused_pack(name: str, expect: str, comment: str, body: bytes, files=three, **lines) -> None:
        write(f"pack-{name}", "pack", expect, comment, lines_of(files, **lines), body)

    length = struct.unpack(">Q", good[-8:])[0]
    refused_pack("nothing", "damaged", "no bytes at all", b"")
    refused_pack("short", "damaged", "one byte less than any pack", good[-157:])
    refused_pack("cut-first", "damaged", "the first byte is missing", good[1:])
    refused_pack("cut-last", "damaged", "the last byte is missing", good[:-1])
    refused_pack("cut-half", "damaged", "the second half is missing", good[: len(good) // 2])
    refused_pack("extended", "damaged", "one byte more at the end", good + b"\x00")
    refused_pack("extended-first", "damaged", "one byte more at the beginning", b"\x00" + good)
    refused_pack("index-length-over", "damaged", "the index is one byte longer", content_pack(three, index_length=length + 1))
    refused_pack("index-length-under", "damaged", "the index is one byte shorter", content_pack(three, index_length=length - 1))
    refused_pack("index-length-0", "damaged", "the index has no bytes", content_pack(three, index_length=0))
    refused_pack("index-length-bomb", "damaged", "an index of 2^64 - 1 bytes", content_pack(three, index_length=2**64 - 1))
    refused_pack("flipped-index", "damaged", "one bit of the index", flipped(good, len(good) - 8 - length))
    refused_pack("flipped-index-end", "damaged", "one bit of the last byte of the index", flipped(good, len(good) - 9))
    refused_pack("flipped-index-length", "damaged", "one bit of the length of the index", flipped(good, len(good) - 1))
    refused_pack("unknown-key", "unknown-key", "the key of the index is not known", good, known=[OLDER_KEY])
    refused_pack("index-purpose", "damaged", "the index is sealed as a section of a manifest", content_pack(three, index_purpose="manifest"))
    refused_pack("index-of-another", "damaged", "the index of another pack", content_pack(three, index_options={"path": pack_name([a, b]).encode()}))
    refused_pack("moved", "damaged", "a pack under the name of another", good, files=[a, b])
    refused_pack("prefix", "damaged", "its name has a prefix", good, object=f"backup/{pack_name(three)}")
    refused_pack("v2", "unsupported", "an index of version 2", content_pack(three, more={"v": 2}))
    refused_pack("kind-none", "unsupported", "an index that says no kind", content_pack(three, more={"kind": None}))
    refused_pack("kind-other", "unsupported", "an index of another kind", content_pack(three, more={"kind": "photographs"}))
    refused_pack("index-member", "unsupported", "an unknown member in the index", content_pack(three, more={"new": 1}))
    refused_pack("index-of-manifest", "unsupported", "the index of a manifest", content_pack(three, more={"kind": None, "head": manifest_head()}))
    refused_pack("index-array", "unsupported", "an index that is no object", content_pack(three, index=b"[]"))
    refused_pack("index-not-json", "unsupported", "an index that is no JSON", content_pack(three, index=b"{"))
    refused_pack("none", "unsupported", "no member at all", content_pack([]), files=[])
    refused_pack("gap", "damaged", "a byte between the members and the index", content_pack(three, gap=b"\x00"))

    def with_members(name: str, expect: str, comment: str, *changes) -> None:
        members = [{name: value for name, value in {**member, **change}.items() if value is not None} for member, change in zip(laid(three), changes)]
        refused_pack(name, expect, comment, content_pack(three, members=members))

    first, second, third = laid(three)
    with_members("gap-first", "damaged", "the first member does not begin at 0", {"offset": 1, "length": first["length"] - 1}, {}, {})
    with_members("gap-between", "damaged", "the second member begins one byte late", {}, {"offset": second["offset"] + 1, "length": second["length"] - 1}, {})
    with_members("overlap", "damaged", "the second member begins one byte early", {}, {"offset": second["offset"] - 1, "length": second["length"] + 1}, {})
    with_members("overlap-whole", "damaged", "two members that lie in the same bytes", {}, {"offset": 0}, {})
    with_members("over", "damaged", "the last member is longer than the bytes that are there", {}, {}, {"length": third["length"] + 2**40})
    with_members("over-safe", "unsupported", "a length that is no safe integer", {}, {}, {"length": 2**53})
    with_members("member-short", "unsupported", "a member shorter than any sealed file", {"length": 149}, {}, {})
    with_members("negative", "unsupported", "a member before the beginning", {"offset": -1}, {}, {})
    with_members("member-more", "unsupported", "an unknown member of a member", {"new": 1}, {}, {})
    with_members("member-less", "unsupported", "a member without its version", {}, {"version": None}, {})
    with_members("version-twice", "damaged", "two members of one version", {}, {"version": first["version"]}, {})
    with_members("scope-mixed", "damaged", "a member of another scope than the index", {}, {"scope": "restricted"}, {})
    refused_pack("order", "damaged", "members listed in another order", content_pack(three, members=[second, first, third]))
    refused_pack("unlisted", "damaged", "a member that the index does not list", content_pack(three, members=[first, second]))
    restricted = content_pack(three, index_scope="restricted")
    refused_pack("index-scope", "damaged", "the index is sealed under another scope than the members", restricted, known=[default, SCOPE_KEYS["restricted"]])
    # A row of a manifest may say that a file lies in one.
    placed = file_row("a", placements=[placement("a", object=pack_name(three), offset=first["length"], length=second["length"], sealedSha256=named("sealed", 32).hex())])
    rows = [{"scope": SCOPE, "keyId": default[0].hex(), "count": 1, "rows": [placed]}]
    lines = manifest_lines(head=canonical(manifest_head()).decode(), sections=canonical(rows).decode())
    write("manifest-packed", "manifest", "success", "a file that lies in a pack", lines, manifest([section(SCOPE, [placed])]))


def main() -> None:
    global FOLDER
    FOLDER = Path(sys.argv[1])
    FOLDER.mkdir(parents=True, exist_ok=True)
    make_sealed_successes()
    make_sealed_damage()
    make_sealed_contradictions()
    make_metadata_refusals()
    make_frame_refusals()
    make_keyring()
    make_recovery_keys()
    make_names()
    make_manifests()
    make_packs()


if __name__ == "__main__":
    main()
