"""Makes test/holds/vectors.json: signed decisions as docs/format.md section 9 has them.

Written from that section; it shares no code with the program. Run: python make_vectors.py (needs `cryptography`).
"""

import base64
import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def key(label):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(label.encode()).digest())


def raw(public):
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def canonical(value):
    # RFC 8785: all strings here are in the Basic Multilingual Plane, all numbers are integers.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


STATEMENT = {
    "v": 1,
    "repository": "00112233445566778899aabbccddeeff",
    "hold": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "sha512": hashlib.sha512(b"content").hexdigest(),
    "sealedSha256": hashlib.sha256(b"sealed").hexdigest(),
    "classification": "confidential",
    "destination": "primary",
    "decision": "fedcba98765432100123456789abcdef",
    "lock": {"mode": "GOVERNANCE", "days": 30},
    "notAfter": "2026-12-01T09:30:00.000Z",
    "verdict": "approve",
    "approver": "claire",
}

CHANGES = {
    "repository": "ff" * 16,
    "hold": "ff" * 16,
    "sha512": "ff" * 64,
    "sealedSha256": "ff" * 32,
    "classification": "public",
    "destination": "elsewhere",
    "decision": "ff" * 16,
    "lock": {"mode": "GOVERNANCE", "days": 31},
    "notAfter": "2027-12-01T09:30:00.000Z",
    "verdict": "reject",
    "approver": "amina",
}


def vector(name, statement, signature, public, is_valid):
    return {
        "name": name,
        "statement": statement,
        "canonicalSha256": hashlib.sha256(canonical(statement)).hexdigest(),
        "signature": base64url(signature),
        "publicKey": base64url(raw(public)),
        "isValid": is_valid,
    }


def vectors():
    claire = key("claire")
    public = claire.public_key()
    signature = claire.sign(canonical(STATEMENT))
    yield vector("approve", STATEMENT, signature, public, True)
    for name, change in {
        "reject": {"verdict": "reject"},
        "compliance": {"lock": {"mode": "COMPLIANCE", "days": 3650}},
        "name-not-ascii": {"approver": "Zoé Ngué"},
    }.items():
        statement = STATEMENT | change
        yield vector(name, statement, claire.sign(canonical(statement)), public, True)
    for member, value in CHANGES.items():
        yield vector(f"other-{member}", STATEMENT | {member: value}, signature, public, False)
    yield vector("other-key", STATEMENT, signature, key("amina").public_key(), False)
    yield vector("flipped-signature", STATEMENT, bytes([signature[0] ^ 1]) + signature[1:], public, False)
    yield vector("cut-signature", STATEMENT, signature[:-1], public, False)
    yield vector("no-signature", STATEMENT, b"", public, False)


target = Path(__file__).parent / "vectors.json"
target.write_text(json.dumps(list(vectors()), indent=1, ensure_ascii=False) + "\n")
