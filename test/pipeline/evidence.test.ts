import { expect, test } from 'vitest';
import type { DecisionRow } from '../../src/catalog/rows.ts';
import {
  type Decided,
  decisionRows,
  type EvidenceSealer,
  openEvidence,
  openQuestion,
} from '../../src/pipeline/evidence.ts';
import { admission, release } from '../policy/questions.ts';
import { makeWorld, protectOnce, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();

const answer = { result: { allow: true, reasons: [] }, bundleRevision: 'b'.repeat(64), decisionId: 'd' };

const entryOf = (name: string) => ({ path: `secret-folder/${name}`, name, extension: '' });

function decided(about: { versionId: string; name: string; scope?: string; ordinal?: number }): Decided {
  const { versionId, name, scope = 'default', ordinal = 0 } = about;
  const input = { ...release, entry: entryOf(name) };
  return {
    ...{ versionId, gate: 'release', destination: 'local', scope, ordinal, input },
    decision: answer,
  };
}

const writtenEvidence = (world: World) =>
  world.catalog.rows<{ id: string; decisions: number }>(
    `select e.id, count(d.id) as decisions from evidence e left join decisions d on d.evidence_id = e.id group by e.id`,
  );

test('what is asked at one time is sealed once by scope, and each decision opens to its own question', async () => {
  const { context } = await makeWorld(postgres());
  const asked = [
    decided({ versionId: '1', name: 'a' }),
    decided({ versionId: '2', name: 'b', scope: 'restricted' }),
    decided({ versionId: '3', name: 'c' }),
    { ...decided({ versionId: '4', name: 'd' }), input: { ...admission, entry: entryOf('d') } },
  ];
  const rows = await decisionRows(context, asked);
  expect(rows.map(({ versionId }) => versionId)).toEqual(['1', '2', '3', '4']);
  expect(rows.map(({ position }) => position)).toEqual([0, 0, 1, 2]);
  expect(new Set(rows.map(({ evidence }) => evidence.id)).size).toBe(2);
  for (const [index, row] of rows.entries()) {
    const found = openQuestion(context.keys, row);
    expect(found?.input).toEqual(asked[index]?.input);
    expect(found?.salt).toHaveLength(16);
    expect(row.evidence.sealed.includes('secret-folder')).toBe(false);
  }
  // The key of one scope is shredded: what was asked about the others opens as before.
  const restricted = rows[1]?.evidence.keyId;
  const keys = {
    byId: (id: Buffer) => (id.toString('hex') === restricted ? undefined : context.keys.byId(id)),
  };
  expect(rows.map((row) => openQuestion(keys, row) !== undefined)).toEqual([true, false, true, true]);
});

test('a question that is not the one its decision was made about is found out', async () => {
  const { context } = await makeWorld(postgres());
  const [first, second] = await decisionRows(context, [
    decided({ versionId: '1', name: 'a' }),
    decided({ versionId: '2', name: 'b' }),
  ]);
  const [other] = await decisionRows(context, [decided({ versionId: '1', name: 'a' })]);
  if (first === undefined || second === undefined || other === undefined) throw new Error('unreachable');
  const tampered = { code: 'tampered' };
  const opened = (row: DecisionRow) => () => openQuestion(context.keys, row);
  expect(opened({ ...first, position: 1 })).toThrow(expect.objectContaining(tampered));
  expect(opened({ ...first, position: 2 })).toThrow(expect.objectContaining(tampered));
  // The same question with another salt.
  expect(opened({ ...first, evidence: other.evidence })).toThrow(expect.objectContaining(tampered));
  const bent = { ...first.evidence, sealed: Buffer.from(first.evidence.sealed).fill(0, 20, 21) };
  expect(() => openEvidence(context.keys, bent)).toThrow(expect.objectContaining(tampered));
});

test('what is asked about many files takes little more room than what is asked about one', async () => {
  const { context } = await makeWorld(postgres());
  const asked = Array.from({ length: 512 }, (_, index) =>
    decided({ versionId: `${index}`, name: `file-${index}` }),
  );
  const [row] = await decisionRows(context, asked);
  expect(row?.evidence.sealed.length).toBeLessThan(512 * 40);
});

test('a step that runs twice leaves the first evidence, and none without a decision', async () => {
  const world = await makeWorld(postgres());
  world.write('a', 'x');
  const settled = await protectOnce(world.context, await world.entry('a'));
  const versionId = settled.next === 'settled' ? (settled.versionId ?? '') : '';
  expect((await writtenEvidence(world)).map(({ decisions }) => decisions)).toEqual([1, 1]);
  const one = decided({ versionId, name: 'a', ordinal: 7 });
  const [first] = await decisionRows(world.context, [one]);
  const again = await decisionRows(world.context, [one, decided({ versionId, name: 'a', ordinal: 8 })]);
  if (first === undefined) throw new Error('unreachable');
  await world.catalog.write({ decisions: [first], events: [] });
  await world.catalog.write({ decisions: again.slice(0, 1), events: [] });
  expect(await writtenEvidence(world)).toHaveLength(3);
  // One of its decisions is new: it is kept, and the other decision stays with its own.
  await world.catalog.write({ decisions: again, events: [] });
  const written = await writtenEvidence(world);
  expect(written).toHaveLength(4);
  expect(written.every(({ decisions }) => decisions === 1)).toBe(true);
});

test('a host that cannot open what it seals seals all of one moment as one message, named by the evidence', async () => {
  const world = await makeWorld(postgres());
  const names: string[] = [];
  const sealEvidence: EvidenceSealer = async (id, _, sealed) => {
    names.push(id);
    return { sealed, keyId: 'ab'.repeat(16) };
  };
  const asked = [decided({ versionId: '1', name: 'a' }), decided({ versionId: '2', name: 'b' })];
  const rows = await decisionRows(world.another({ sealEvidence }), asked);
  expect(names).toEqual([rows[0]?.evidence.id]);
  expect(rows.map((row) => openQuestion(world.context.keys, row))).toEqual([undefined, undefined]);
});
