import { describe, expect, it } from 'vitest';
import { openManifest, openManifestHead } from '../../src/manifest/decode.ts';
import { keySealer, sealManifest } from '../../src/manifest/encode.ts';
import { manifestName, parseManifestName } from '../../src/manifest/names.ts';
import type { ManifestHead, ManifestRow } from '../../src/manifest/records.ts';
import { noise, refusalOf } from '../sealed/samples.ts';

const secrets = new Map(
  ['holdfast', 'default', 'restricted'].map((scope, n) => [
    scope,
    { id: Buffer.alloc(16, n + 1), secret: Buffer.alloc(64, n + 1) },
  ]),
);
const keyFor = (scope: string) => secrets.get(scope) ?? expect.fail(`no key for ${scope}`);
const seal = keySealer({ sealingKey: keyFor });
const keyById = (id: Buffer) => [...secrets.values()].find((key) => key.id.equals(id));

const source = 'ab'.repeat(16);
const head: ManifestHead = {
  v: 1,
  source,
  name: 'documents',
  number: 7,
  kind: 'journal',
  last: true,
  previousSha256: null,
  createdAt: '2026-01-02T03:04:05.006Z',
};
const objectName = manifestName(source, 7);

function row(n: number, changes: Partial<ManifestRow> = {}): ManifestRow {
  return {
    entry: n.toString(16).padStart(32, '0'),
    path: Buffer.from(`folder/file ${n}`).toString('base64url'),
    version: n.toString(16).padStart(32, 'f'),
    observation: n,
    kind: 'dir',
    outcome: 'uploaded',
    size: 0,
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtimeNs: '-1',
    run: 'run',
    observedAt: '2026-01-02T03:04:05.006Z',
    settledAt: '2026-01-02T03:04:05.006Z',
    ...changes,
  };
}

describe('manifests', () => {
  it('come back as they were, each scope under its own key', async () => {
    const sections = new Map([
      ['default', [row(1), row(2)]],
      ['restricted', [row(3)]],
    ]);
    const bytes = await sealManifest({ head, sections, seal });
    const opened = await openManifest(bytes, { objectName, keyById });
    expect(opened.head).toEqual(head);
    expect(opened.sections.map(({ scope, count, rows }) => [scope, count, rows])).toEqual(
      [...sections].map(([scope, rows]) => [scope, rows.length, rows]),
    );
    const shredded = await openManifest(bytes, {
      objectName,
      keyById: (id) => (id.equals(keyFor('restricted').id) ? undefined : keyById(id)),
    });
    expect(shredded.sections.map(({ count, rows }) => [count, rows?.length])).toEqual([
      [2, 2],
      [1, undefined],
    ]);
  });

  it('show their head by the tail alone', async () => {
    const rows = Array.from({ length: 500 }, (_, n) =>
      row(n + 1, { linkTarget: noise(900, `${n}`).toString('base64url'), kind: 'link' }),
    );
    const bytes = await sealManifest({ head, sections: new Map([['default', rows]]), seal });
    let readBytes = 0;
    const found = await openManifestHead(
      {
        lengthBytes: bytes.length,
        read: async (offset, length) => {
          readBytes += length;
          return bytes.subarray(offset, offset + length);
        },
      },
      { objectName, keyById },
    );
    expect(found).toEqual(head);
    expect(bytes.length).toBeGreaterThan(400_000);
    expect(readBytes).toBeLessThan(2_000);
  });

  it('are never made of the same bytes twice: their IVs are random', async () => {
    const sections = new Map([['default', [row(1)]]]);
    const [first, second] = await Promise.all([
      sealManifest({ head, sections, seal }),
      sealManifest({ head, sections, seal }),
    ]);
    expect(first.subarray(0, 16)).not.toEqual(second.subarray(0, 16));
  });

  it('keep to the limits of the format', async () => {
    const many = Array.from({ length: 20_001 }, (_, n) => row(n));
    await expect(sealManifest({ head, sections: new Map([['default', many]]), seal })).rejects.toThrow(
      RangeError,
    );
    await expect(sealManifest({ head, sections: new Map([['default', []]]), seal })).rejects.toThrow(
      RangeError,
    );
  });

  it('are refused when any byte is changed', async () => {
    const bytes = await sealManifest({ head, sections: new Map([['default', [row(1)]]]), seal });
    for (let at = 0; at < bytes.length; at++) {
      const altered = Buffer.from(bytes);
      altered.writeUInt8(altered.readUInt8(at) ^ 0x10, at);
      const code = await refusalOf(() => openManifest(altered, { objectName, keyById }));
      expect(['tampered', 'unsupported_format', 'unknown_key'], `byte ${at}`).toContain(code);
    }
  });
});

describe('names of manifests', () => {
  it('hold twelve digits', () => {
    expect(objectName).toBe(`manifests/${source}/000000000007`);
    expect(parseManifestName(objectName)).toEqual({ sourceId: source, number: 7 });
    expect(parseManifestName(manifestName(source, 999_999_999_999))?.number).toBe(999_999_999_999);
  });

  it.each([
    `manifests/${source}/000000000000`,
    `manifests/${source}/7`,
    `manifests/${source}/0000000000007`,
    `manifests/${source.toUpperCase()}/000000000007`,
    `x/manifests/${source}/000000000007`,
    `manifests/${source}/000000000007/`,
    'manifests/',
  ])('%s is none', (name) => {
    expect(parseManifestName(name)).toBeUndefined();
  });

  it('end with their digits', () => {
    expect(() => manifestName(source, 1_000_000_000_000)).toThrow(RangeError);
    expect(() => manifestName(source, 0)).toThrow(RangeError);
  });
});
