import { metadataOf } from '../samples.ts';
import { hostileMembers, jsonText, type Members, membersOf } from './hostile-json.ts';
import type { Random } from './random.ts';

const honestPath = Buffer.from('folder/file.txt');

const hostilePaths: readonly Buffer[] = [
  ...[
    '',
    '/',
    '/etc/passwd',
    '..',
    '../x',
    'a/../x',
    'a/..',
    '.',
    './a',
    'a//b',
    'a/',
    'a\0b',
    '...',
    'a/.b',
  ],
  ...['a\nb', '-rf', '~', 'C:\\x', '..\\x', `${'d/'.repeat(2_000)}f`, 'n'.repeat(300), 'n'.repeat(65_535)],
]
  .map((text) => Buffer.from(text))
  .concat([
    Buffer.of(0xff, 0x2f, 0xc0, 0xaf),
    Buffer.of(0x2e, 0x2e, 0x2f),
    Buffer.of(0xc0, 0xae, 0xc0, 0xae),
  ]);

/** Metadata of `content` before encryption: as it should be, or hostile where chance is given. */
export function metadataBytes(content: Buffer, random?: Random): Buffer {
  const members = membersOf(metadataOf(content, { xattrs: { 'user.a': 'AAAA' }, hardlink: 'd'.repeat(32) }));
  if (random === undefined) return encoded(honestPath, members);
  switch (random.below(4)) {
    case 0:
      return encoded(random.pick(hostilePaths), members);
    case 1: {
      const bytes = encoded(honestPath, members);
      bytes.writeUInt16BE(random.below(random.pick([30, 65_536])), 0);
      return bytes;
    }
    case 2:
      return broken(encoded(honestPath, members), random);
    default: {
      let hostile = hostileMembers(members, random);
      while (random.chance(0.3)) hostile = hostileMembers(hostile, random);
      return encoded(honestPath, hostile);
    }
  }
}

function encoded(path: Buffer, members: Members): Buffer {
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16BE(path.length);
  return Buffer.concat([prefix, path, Buffer.from(jsonText(members))]);
}

function broken(bytes: Buffer, random: Random): Buffer {
  if (random.chance(0.3)) return bytes.subarray(0, random.below(bytes.length + 1));
  const copy = Buffer.from(bytes);
  for (let left = 1 + random.below(3); left > 0; left--) {
    copy.writeUInt8(random.below(256), random.below(copy.length));
  }
  return copy;
}
