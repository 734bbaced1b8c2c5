#!/usr/bin/env python3
"""Verifies what `holdfast prove` and `holdfast audit export` wrote: docs/audit.md sections 6 and 7.

    python3 verify_proof.py --public-key audit.pub proof.json

Needs Python 3.8 or newer and nothing else, no Holdfast and no network. Exit code 0: every byte is as it was signed and the
parts agree; 1: something is not; 2: a file cannot be read. The keys must have come on another way than the proof. What the
file cannot show by itself is said at the end: look whether the anchor lies in the bucket as told.
"""
import argparse
import base64
import hashlib
import json
import sys


class Refused(Exception):
    pass


def need(condition, reason):
    if not condition:
        raise Refused(reason)


# Ed25519 (RFC 8032, section 6) ---------------------------------------------------------------------------------------
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(key, message, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r = decompress(key), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = multiply(s, BASE), add(r, multiply(h, a))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


# Canonical JSON (RFC 8785) of what holds no fractions, and Merkle trees (RFC 6962) -----------------------------------
def canonical(value):
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return b"{" + b",".join(canonical(k) + b":" + canonical(v) for k, v in members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    need(not isinstance(value, float), "a number with a fraction")
    need(not isinstance(value, int) or abs(value) < 2**53, "a number that not every reader reads alike")
    return json.dumps(value, ensure_ascii=False).encode()


def parse(data):
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refused("it is not JSON, or nested without end")
    need(isinstance(value, dict) and canonical(value) == data, "it is not canonical JSON: bytes were changed")
    return value


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaf, index, size, path):
    need(0 <= index < size, "a place outside of its tree")
    node, last, root = index, size - 1, leaf
    for sibling in map(bytes.fromhex, path):
        need(last > 0 and len(sibling) == 32, "a path that does not fit its place")
        if node & 1 or node == last:
            root = sha256(b"\1", sibling, root)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            root = sha256(b"\1", root, sibling)
        node, last = node >> 1, last >> 1
    need(last == 0, "a path that does not fit its place")
    return root.hex()


def unbase64(text):
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    need(base64.urlsafe_b64encode(data).decode().rstrip("=") == text, "base64url that is not canonical")
    return data


def exactly(value, *names, optional=()):
    keys = set(value)
    need(keys >= set(names) and keys <= set(names) | set(optional), f"unknown or missing members: {sorted(keys)}")


def check_signature(keys, key, context, message, signature, what):
    need(key in keys, f"{what}: signed with a key that was not given")
    need(is_signed(keys[key], context + b"\0" + message, unbase64(signature)), f"{what}: the signature is wrong")


# The proof -----------------------------------------------------------------------------------------------------------
def steps_of(event):
    """(step, destination, time, facts) of an event that tells one step, or several that became durable together."""
    for told in event.get("steps", [event]):
        yield told["step"], told.get("destination", event.get("destination", "")), told.get("at", event["at"]), told["facts"]


def verify_proof(proof, keys):
    exactly(proof, *"v proof repository madeAt version events heads anchor decisions key signature".split())
    need(proof["v"] == 1 and proof["proof"] == "holdfast", "it is no proof of version 1")
    signed = {name: value for name, value in proof.items() if name != "signature"}
    check_signature(keys, proof["key"], b"holdfast/1/audit proof", canonical(signed), proof["signature"], "proof")
    heads = verify_heads(proof, keys)
    told = []
    for entry in proof["events"]:
        exactly(entry, "event", "head", "index", "path")
        head = heads.get(entry["head"])
        need(head is not None, "an event under a head that is not there")
        leaf = sha256(b"\0", canonical(entry["event"]))
        reached = root_of(leaf, entry["index"], head["size"], entry["path"])
        need(reached == head["root"], "an event that its head does not cover")
        own = entry["event"].get("version") == proof["version"]
        told += [(own, entry["event"], *step) for step in steps_of(entry["event"])]
    need(any(own for own, *_ in told), "no event is about the version")
    decisions = verify_decisions(proof, told)
    report(proof, told, decisions, verify_approvals(proof, told))


def verify_heads(proof, keys):
    anchored = proof["heads"][-1]["head"]
    heads = {}
    for entry in proof["heads"]:
        exactly(entry, "head", "signature", "path")
        head = entry["head"]
        exactly(head, *"v repository number first at last size root history key".split())
        need(head["v"] == 1 and head["repository"] == proof["repository"], "a head of another repository or version")
        data = canonical(head)
        check_signature(keys, head["key"], b"holdfast/1/audit head", data, entry["signature"], f"head {head['number']}")
        need(head["first"] == anchored["first"], "heads of two trails")
        if head is anchored:
            need(entry["path"] == [], "the anchored head needs no path")
        else:
            place = head["number"] - head["first"], anchored["number"] - anchored["first"]
            need(root_of(sha256(b"\0", data), *place, entry["path"]) == anchored["history"], "a head before the anchor that it does not cover")
        heads[head["number"]] = head
    exactly(proof["anchor"], "destination", "bucket", "object", "s3VersionId", "lockMode", "retainUntil")
    need(proof["anchor"]["object"].endswith("audit/%012d" % anchored["number"]), "an anchor of another name")
    return heads


def verify_decisions(proof, told):
    asked = {facts["decision"]: (step, facts) for own, _, step, _, _, facts in told if own and "inputHash" in facts}
    sha = {facts["sha256"] for own, _, step, _, _, facts in told if own and step == "fingerprint" and "sha256" in facts}
    opened = {}
    for entry in proof["decisions"]:
        exactly(entry, "decision", "gate", optional=("facts", "privateHash", "salt", "private"))
        need(entry["decision"] in asked, "a decision that no event tells of")
        step, facts = asked[entry["decision"]]
        need(step == entry["gate"], "a decision of another gate")
        if "facts" not in entry:
            need(set(entry) == {"decision", "gate"}, "a question that is there in part")
            continue
        need("privateHash" in entry, "a question without the hash of its names")
        question = canonical({"facts": entry["facts"], "privateHash": entry["privateHash"]})
        need(sha256(question).hex() == facts["inputHash"], "a question other than the one that was asked")
        need(entry["facts"]["content"]["sha256"] in sha, "a question about other content")
        need(("salt" in entry) == ("private" in entry), "names without salt")
        if "salt" in entry:
            names = sha256(unbase64(entry["salt"]), canonical(entry["private"])).hex()
            need(names == entry["privateHash"], "names other than those that were asked about")
        opened[entry["decision"]] = entry
    return opened


def verify_approvals(proof, told):
    signed = []
    for own, event, step, destination, _, facts in told:
        if not own or step != "approval" or facts["result"] != "counted":
            continue
        names = ("hold", "sha512", "sealedSha256", "classification", "decision", "notAfter", "verdict", "approver")
        statement = {name: facts[name] for name in names}
        statement.update(v=1, repository=proof["repository"], destination=destination)
        statement["lock"] = {"mode": facts["lockMode"], "days": facts["lockDays"]}
        valid = is_signed(unbase64(facts["publicKey"]), canonical(statement), unbase64(facts["signature"]))
        need(valid, f"an approval that {facts['approver']} did not sign")
        signed.append(facts)
    return signed


def show(*parts):
    """Names may hold anything: what would steer a terminal or break the line is shown as its code."""
    print(*("".join(c if c.isprintable() else ascii(c)[1:-1] for c in part) for part in parts))


def report(proof, told, decisions, approvals):
    show(f"version {proof['version']} of repository {proof['repository']}")
    paths = {entry["private"]["path"] for entry in decisions.values() if "private" in entry}
    show("path   ", ", ".join(sorted(paths)) if paths else "withheld")
    for own, _, step, destination, at, facts in told:
        shown = " ".join(f"{name}={json.dumps(value)}" for name, value in sorted(facts.items()))
        show(f"{at}  {step:<15} {destination}{'' if own else ' (of the object it shares)'} {shown}")
        entry = decisions.get(facts.get("decision")) if own else None
        if entry is not None and step == entry["gate"]:
            show(f"    asked about: {json.dumps(entry['facts'], sort_keys=True)}")
    for facts in approvals:
        show(f"{facts['verdict']} signed by {facts['approver']} with {facts['publicKey']}")
    anchor, head = proof["anchor"], proof["heads"][-1]["head"]
    show(f"All of it is covered by head {head['number']} of {head['at']}. Look in the bucket whether version {anchor['s3VersionId']}")
    show(f"of {anchor['bucket']}/{anchor['object']} holds that head, locked {anchor['lockMode']} until {anchor['retainUntil']}.")


# The export ----------------------------------------------------------------------------------------------------------
def verify_export(data, keys):
    need(data.endswith(b"\n"), "its end is missing")
    lines = data[:-1].split(b"\n")
    begin, end = parse(lines[0]), parse(lines[-1])
    exactly(begin, "v", "export", "repository", "from", "to")
    exactly(end, "events", "sha256", "key", "signature")
    signature = end.pop("signature")
    check_signature(keys, end["key"], b"holdfast/1/audit export", canonical(end), signature, "export")
    need(sha256(data[: -len(lines[-1]) - 1]).hex() == end["sha256"], "lines were changed")
    need(end["events"] == len(lines) - 2, "lines are missing")
    need(begin["v"] == 1, "it is no export of version 1")
    show(f"{end['events']} events of repository {begin['repository']} from {begin['from']} to {begin['to']}, as exported")


def main():
    arguments = argparse.ArgumentParser(description="Verifies a proof or an export of Holdfast's audit trail.")
    arguments.add_argument("--public-key", required=True, help="what `holdfast audit public-key` printed")
    arguments.add_argument("file")
    chosen = arguments.parse_args()
    # A name that the console cannot show is no reason to refuse a proof.
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with open(chosen.public_key, encoding="utf-8-sig") as file:
            listed = [unbase64(line.strip()) for line in file if line.strip() and not line.startswith("#")]
        with open(chosen.file, "rb") as file:
            data = file.read()
    except (OSError, ValueError, Refused) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    keys = {sha256(key).hex()[:32]: key for key in listed}
    try:
        if b'"export":"audit"' in data.split(b"\n", 1)[0]:
            verify_export(data, keys)
        else:
            verify_proof(parse(data), keys)
    except Refused as refusal:
        print(f"REFUSED: {refusal}", file=sys.stderr)
        return 1
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        print(f"REFUSED: it is not of the form of a proof ({type(error).__name__}: {error})", file=sys.stderr)
        return 1
    print("VERIFIED")
    return 0


if __name__ == "__main__":
    sys.exit(main())
