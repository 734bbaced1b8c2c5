import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { anchorBytes, anchorName, openAnchor, parseAnchorName, signHead } from '../../src/audit/head.ts';
import { auditSigners } from '../../src/audit/keys.ts';
import { auditPath, leafHash, treeRoot } from '../../src/audit/merkle.ts';

const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const vectors = JSON.parse(readFileSync(at('./vectors.json'), 'utf8'));
const hex = (bytes: Buffer): string => bytes.toString('hex');
const master = { id: Buffer.alloc(16), key: Buffer.from(vectors.master, 'hex') };
const [signer] = auditSigners({ masters: [master] });
if (signer === undefined) throw new Error('unreachable');

test('keys, trees, heads and anchors come out as docs/audit.md says', () => {
  expect({ publicKey: signer.text, keyId: signer.id }).toEqual({
    publicKey: vectors.publicKey,
    keyId: vectors.keyId,
  });
  const leaves = vectors.events.map((event: string) => leafHash(Buffer.from(event)));
  expect(leaves.map(hex)).toEqual(vectors.leaves);
  expect(auditPath(leaves, 2).map(hex)).toEqual(vectors.pathOfThird);
  const earlier = vectors.headsBefore.map((bytes: string) => leafHash(Buffer.from(bytes)));
  const { v: _, key: __, ...stated } = vectors.head;
  expect(stated).toMatchObject({ root: hex(treeRoot(leaves)), history: hex(treeRoot(earlier)) });
  const signed = signHead(signer, stated);
  expect(signed.bytes.toString()).toBe(vectors.headJson);
  expect(signed.signature.toString('base64url')).toBe(vectors.signature);
  expect(anchorBytes(signed).toString()).toBe(vectors.anchor);
});

test('an anchor is taken under its own name only, by its repository and keys, byte for byte', () => {
  const anchor = Buffer.from(vectors.anchor);
  const { repository } = vectors.head;
  expect(openAnchor(anchor, 9, repository, [signer])?.head).toEqual(vectors.head);
  expect(openAnchor(anchor, 8, repository, [signer])).toBeUndefined();
  expect(openAnchor(anchor, 9, 'cd'.repeat(16), [signer])).toBeUndefined();
  expect(openAnchor(anchor, 9, repository, [])).toBeUndefined();
  expect(openAnchor(Buffer.concat([anchor, Buffer.from('\n')]), 9, repository, [signer])).toBeUndefined();
  for (let i = 0; i < anchor.length; i++) {
    const flipped = Buffer.from(anchor);
    flipped[i] = (anchor[i] ?? 0) ^ 1;
    expect(openAnchor(flipped, 9, repository, [signer])).toBeUndefined();
  }
  expect(parseAnchorName(anchorName(9))).toBe(9);
  expect(['audit/9', 'audit/000000000000', 'audit/0000000000090'].map(parseAnchorName)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('the Python program agrees on signature, root and canonical JSON', () => {
  const program = `
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("p", sys.argv[1]); p = importlib.util.module_from_spec(spec); spec.loader.exec_module(p)
v = json.load(open(sys.argv[2]))
head = p.canonical(v["head"])
print(head.decode() == v["headJson"],
  p.is_signed(p.unbase64(v["publicKey"]), b"holdfast/1/audit head\\0" + head, p.unbase64(v["signature"])),
  p.is_signed(p.unbase64(v["publicKey"]), b"holdfast/1/audit proof\\0" + head, p.unbase64(v["signature"])),
  p.root_of(bytes.fromhex(v["leaves"][2]), 2, 5, v["pathOfThird"]) == v["head"]["root"])
`;
  const verifier = at('../../ops/audit/verify_proof.py');
  const { stdout, stderr } = spawnSync('python3', ['-c', program, verifier, at('./vectors.json')], {
    encoding: 'utf8',
  });
  expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: 'True True False True', stderr: '' });
});

test('the Python program takes the approvals that count, and no other', () => {
  const program = `
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("p", sys.argv[1]); p = importlib.util.module_from_spec(spec); spec.loader.exec_module(p)
answers = []
for vector in json.load(open(sys.argv[2])):
    said = vector["statement"]
    facts = {name: value for name, value in said.items() if name not in ("v", "repository", "destination", "lock")}
    facts.update(result="counted", lockMode=said["lock"]["mode"], lockDays=said["lock"]["days"])
    facts.update(signature=vector["signature"], publicKey=vector["publicKey"])
    told = [(True, {}, "approval", said["destination"], "", facts)]
    try:
        valid = len(p.verify_approvals({"repository": said["repository"]}, told)) == 1
    except p.Refused:
        valid = False
    answers.append(valid == vector["isValid"])
print(len(answers) > 3, all(answers))
`;
  const verifier = at('../../ops/audit/verify_proof.py');
  const { stdout, stderr } = spawnSync('python3', ['-c', program, verifier, at('../holds/vectors.json')], {
    encoding: 'utf8',
  });
  expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: 'True True', stderr: '' });
});
