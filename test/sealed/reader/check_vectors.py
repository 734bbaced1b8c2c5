"""Reads the test vectors of docs/format.md section 7 and tells whether each comes out as it says."""

import base64
import hashlib
import hmac
import io
import json
import struct
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from holdfast_format import (
    MIB,
    ROOT,
    SCOPE,
    Refused,
    Sealed,
    canonical,
    derived_id,
    expand,
    object_name,
    open_manifest,
    open_member,
    open_pack,
    open_root,
    open_scope_key,
    pack_name,
    read_document,
    recovery_password,
    scope_id,
)


def key_pairs(text: str) -> list:
    """Of a line like `id=key,id=key`."""
    return [(key_id, bytes.fromhex(key)) for key_id, key in (pair.split("=") for pair in text.split(","))]


def content_of(how: str) -> bytes:
    kind, *rest = how.split(" ")
    if kind == "fox":
        return b"".join(b"line %d: the quick brown fox jumps over the lazy dog\n" % line for line in range(60))
    if kind == "zeros":
        return bytes(int(rest[0]))
    if kind == "shake256":
        return hashlib.shake_256(f"holdfast vector {rest[0]}".encode()).digest(int(rest[1]))
    return bytes.fromhex("".join(rest))


def check_sealed(fields: dict, body: bytes) -> None:
    # Grows as the file opens: how far it got is part of what a refused vector promises.
    stage = ["open"]
    try:
        sealed = Sealed(io.BytesIO(body), 0, len(body), {fields["key-id"]: bytes.fromhex(fields["key"])}, "content")
        stage.append("segment")
        pieces = []
        for piece in sealed.segments():
            pieces.append(piece)
            if sum(map(len, pieces)) == sealed.size:
                stage.append("content")
    except Refused:
        assert stage[-1] == fields["refused-at"], f"refused at {stage[-1]}"
        raise
    assert b"".join(pieces) == content_of(fields["content"])
    assert sealed.path == bytes.fromhex(fields["path"]) and sealed.metadata == json.loads(fields["metadata"])


def check_digest(fields: dict, _body: bytes) -> None:
    """Makes the uncompressed sealed file of section 4 that is too long to keep, and reads it back."""
    content, path, iv = content_of(fields["content"]), bytes.fromhex(fields["path"]), bytes.fromhex(fields["iv"])
    metadata = struct.pack(">H", len(path)) + path + fields["metadata"].encode()
    key_id = bytes.fromhex(fields["key-id"])
    keys = expand(bytes.fromhex(fields["key"]), b"holdfast/1/file" + key_id + b"content" + iv, 64)
    stream = Cipher(algorithms.AES(keys[:32]), modes.CTR(iv)).encryptor().update(metadata + content)
    encrypted, body, table = stream[: len(metadata)], stream[len(metadata) :], b""
    for index, at in enumerate(range(0, len(body), MIB)):
        segment = body[at : at + MIB]
        tag = hmac.digest(keys[32:], b"\x01" + struct.pack(">I", index) + segment, "sha256")[:16]
        table += struct.pack(">I", len(segment) | 1 << 31) + tag
    head = iv + struct.pack(">I", len(metadata))
    counts = (1, 0, MIB, len(table) // 20, 0, key_id, len(content), len(body), len(table), bytes(32))
    footer = struct.pack(">8sHHIII16sQQQ32s", b"HOLDFAST", *counts)
    mac = hmac.digest(keys[32:], b"\x02" + head + encrypted + table + footer, "sha256")
    sealed = head + encrypted + body + table + footer + mac
    assert hashlib.sha256(sealed).hexdigest() == fields["sha256"]
    check_sealed(fields, sealed)


def check_root(fields: dict, body: bytes) -> None:
    root = open_root(read_document(body, ROOT), bytes.fromhex(fields["password"]))
    assert [root["repository"], root["holder"], str(root["generation"])] == [fields[name] for name in ("repository", "holder", "generation")]
    assert root["masters"] == key_pairs(fields["masters"]) and root["payload"] == key_pairs(fields["payload"])
    assert [root["naming"].hex(), root["pathId"].hex()] == [fields["naming"], fields["path-id"]]


def check_scope(fields: dict, body: bytes) -> None:
    root = {"repository": fields["repository"], "generation": 3, "naming": bytes.fromhex(fields["naming"])}
    document = read_document(body, SCOPE)
    opened = open_scope_key(document, root | {"masters": key_pairs(fields["masters"])})
    assert [document["purpose"], document["keyId"]] == [f"scope/{fields['scope-id']}", fields["key-id"]]
    assert opened == {"name": fields["scope"], "number": int(fields["number"]), "key": bytes.fromhex(fields["key"])}


def check_manifest(fields: dict, body: bytes) -> None:
    head, sections = open_manifest(body, fields["object"], dict(key_pairs(fields["keys"])))
    found = [{"scope": of["scope"], "keyId": of["keyId"], "count": of["rows"], "rows": rows} for of, rows in sections]
    assert head == json.loads(fields["head"]) and found == json.loads(fields["sections"])


def check_pack(fields: dict, body: bytes) -> None:
    keys, found = dict(key_pairs(fields["keys"])), []
    for member in open_pack(body, fields["object"], keys):
        try:
            sealed = open_member(body, member, keys)
            outcome = {"content": sealed.content().hex(), "path": sealed.path.hex()}
        except Refused as refusal:
            outcome = {"refused": refusal.kind}
        found.append({**member, **outcome})
    assert found == json.loads(fields["members"])
    ivs = [body[each["offset"] : each["offset"] + 16] for each in found]
    assert "named-after" not in fields or pack_name(bytes.fromhex(fields["named-after"]), found[0]["scope"], ivs) == fields["object"]


def check_names(fields: dict, _body: bytes) -> None:
    naming, sha512, iv = (bytes.fromhex(fields[name]) for name in ("naming", "sha512", "iv"))
    assert object_name(naming, fields["scope"], sha512, iv) == fields["keyed"]
    assert scope_id(naming, fields["scope"]) == fields["scope-id"]


def check_id(fields: dict, _body: bytes) -> None:
    parts = json.loads(fields["array"])
    assert derived_id(bytes.fromhex(fields["path-id"]), parts) == fields["id"] and json.loads(canonical(parts)) == parts


def check_recovery_key(fields: dict, _body: bytes) -> None:
    assert recovery_password(fields["typed"]) == fields["password"].encode()


CHECKS = {"sealed": check_sealed, "digest": check_digest, "root": check_root, "scope": check_scope, "manifest": check_manifest, "pack": check_pack,
          "names": check_names, "ids": check_id, "recovery-key": check_recovery_key}


def check_vectors(folder: Path) -> int:
    """Prints one line for each vector that comes out otherwise, then how many came out right of each kind. Exit code 1 if any did not."""
    right, wrong = dict.fromkeys(CHECKS, 0), 0
    for file in sorted(folder.glob("*.txt")):
        head, _, encoded = file.read_text(encoding="utf-8").partition("\n\n")
        fields = dict(line.split(": ", 1) for line in head.split("\n"))
        try:
            CHECKS[fields["kind"]](fields, base64.b64decode(encoded))
            outcome = "success"
        except Refused as refusal:
            outcome = refusal.kind
        except Exception as error:  # A reader that breaks is as wrong as one that accepts.
            outcome = f"{type(error).__name__} {error}"
        if outcome == fields["expect"]:
            right[fields["kind"]] += 1
        else:
            wrong += 1
            print(f"{file.stem}: {outcome} instead of {fields['expect']}")
    print(", ".join(f"{kind} {count}" for kind, count in right.items()) + f"; wrong {wrong}")
    return 1 if wrong else 0
