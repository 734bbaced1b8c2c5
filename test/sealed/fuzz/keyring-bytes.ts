import { hash } from 'node:crypto';
import { lastMaster, type RootKeys } from '../../../src/sealed/keyring.ts';
import { wrapDocument } from '../../../src/sealed/keyring-document.ts';
import { expand } from '../../../src/sealed/keys.ts';
import { scopeId } from '../../../src/sealed/names.ts';
import { readVectors, type Vector } from '../vectors.ts';
import { hostileMembers, hostileValue, jsonText, type Members, membersOf } from './hostile-json.ts';
import type { Random } from './random.ts';

function vectorNamed(kind: string, name: string): Vector {
  const vector = readVectors(kind).find((one) => one.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return vector;
}

export const rootVector = vectorNamed('root', 'root');
export const scopeVector = vectorNamed('scope', 'scope');

/** Iterations outside what is accepted: inside it every case would cost a derivation. */
const hostileIterations = ['0', '1', '599999', '10000001', '4294967296', '1e400', '-1', '"600000"', 'null'];

/** A keyring document altered by somebody who can write to the bucket, who can also make its checksum right. */
export function hostileDocument(document: Buffer, random: Random): Buffer {
  if (random.chance(0.4)) return broken(document, random);
  const all = membersOf(JSON.parse(document.toString()));
  const members = all.filter(([name]) => name !== 'checksum');
  let hostile = random.chance(0.1) ? members : hostileMembers(members, random);
  // Keeping the true number costs a derivation of a good part of a second.
  const mayDerive =
    members.some(([name, text]) => name === 'iterations' && text === '0') || random.chance(0.02);
  if (!mayDerive) hostile = withMember(hostile, 'iterations', random.pick(hostileIterations));
  if (random.chance(0.3)) return Buffer.from(jsonText(withMember(hostile, 'checksum', hostileValue(random))));
  const sorted = hostile.toSorted(([a], [b]) => (a < b ? -1 : 1));
  const checksum = hash('sha256', jsonText(sorted), 'base64url');
  return Buffer.from(jsonText([['checksum', JSON.stringify(checksum)], ...sorted]));
}

/** A scope key document that is rightly wrapped under the last master key, around plaintext that is hostile or not. */
export function hostilePlaintext(root: RootKeys, random: Random): { bytes: Buffer; honest: boolean } {
  const secret = random.bytes(64).toString('base64url');
  const members = membersOf({ key: secret, name: 'default', number: 1 + random.below(9) });
  const text = jsonText(members);
  const made = random.chance(0.1) ? text : jsonText(hostileMembers(members, random));
  // No longer fits into a document.
  const hostile = made.length > 40_000 ? text : made;
  const numbered = /^(\{"key":"[^"]+","name":"default","number":)([1-9]\d{0,7})\}$/.exec(hostile);
  const bytes = wrapDocument(
    {
      v: 1,
      repository: root.repositoryId,
      keyId: random.bytes(16),
      purpose: `scope/${scopeId(root, 'default')}`,
      generation: root.generation,
      kdf: 'holdfast-wrap',
      iterations: 0,
      salt: Buffer.alloc(0),
    },
    Buffer.from(hostile),
    expand(lastMaster(root).key, Buffer.from('holdfast/1/wrap'), 32),
  );
  // A hostile value can be another key number, which is as good.
  return { bytes, honest: numbered !== null && hostile.includes(secret) };
}

function withMember(members: Members, name: string, text: string): Members {
  const at = members.findIndex(([member]) => member === name);
  return at < 0 ? [...members, [name, text]] : members.with(at, [name, text]);
}

function broken(document: Buffer, random: Random): Buffer {
  const at = random.below(document.length);
  switch (random.below(4)) {
    case 0:
      return document.subarray(0, at);
    case 1:
      return Buffer.concat([
        document.subarray(0, at),
        random.bytes(1 + random.below(5)),
        document.subarray(at),
      ]);
    case 2:
      return Buffer.concat([document.subarray(0, at), document.subarray(at + 1 + random.below(40))]);
    default: {
      const copy = Buffer.from(document);
      copy.writeUInt8(random.below(256), at);
      return copy;
    }
  }
}
