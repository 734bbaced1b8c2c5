"""Changes every byte of a proof and tells which changes the verifier accepts.

    python3 flip_proof.py verify_proof.py audit.pub proof.json

Prints JSON: `outsider`, offsets whose change somebody without a key gets accepted; `operator`, members whose change is
accepted from somebody who signs the proof anew. Signatures that are genuine are verified once and known afterwards: every
other one is taken as forged, which keeps this in seconds.
"""
import contextlib
import hashlib
import importlib.util
import io
import json
import sys

spec = importlib.util.spec_from_file_location("verify_proof", sys.argv[1])
verifier = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verifier)
with open(sys.argv[2]) as file:
    keys = {}
    for line in file.read().split():
        key = verifier.unbase64(line)
        keys[hashlib.sha256(key).hexdigest()[:32]] = key
with open(sys.argv[3], "rb") as file:
    proof = file.read()

genuine = set()
really_signed = verifier.is_signed
signs_anew = False


def is_signed(key, message, signature):
    if signs_anew and message.startswith(b"holdfast/1/audit proof\0"):
        return True
    return (key, message, signature) in genuine


def learn(key, message, signature):
    valid = really_signed(key, message, signature)
    if valid:
        genuine.add((key, message, signature))
    return valid


def accepts(data):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            verifier.verify_proof(verifier.parse(data), keys)
        return True
    except (verifier.Refused, KeyError, TypeError, ValueError, AttributeError, IndexError):
        return False


def leaves(value, path=()):
    if isinstance(value, (dict, list)):
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(member, path + (name,))
    else:
        yield path, value


def changed(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return "x" if value is None else ("0" if value[:1] != "0" else "1") + value[1:]


verifier.is_signed = learn
assert accepts(proof), "the proof itself is refused"
verifier.is_signed = is_signed
# The same bytes for names that are ASCII, made in C: there are many to make.
slow = verifier.canonical
verifier.canonical = lambda value: json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
assert verifier.canonical(json.loads(proof)) == slow(json.loads(proof)) == proof
outsider = [at for at in range(len(proof)) if accepts(proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :])]
outsider += [at for at in range(0, len(proof), 97) if accepts(proof[:at] + b" " + proof[at:]) or accepts(proof[:at])]
signs_anew = True
operator = []
for path, value in leaves(json.loads(proof)):
    whole = json.loads(proof)
    target = whole
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = changed(value)
    if accepts(verifier.canonical(whole)):
        operator.append(".".join(map(str, path)))
print(json.dumps({"bytes": len(proof), "outsider": outsider, "operator": operator}))
