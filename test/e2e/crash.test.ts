import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, utimesSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestInstallation, until } from '../support/installation.ts';

// An upload in parts is under way when the worker dies as by kill -9, once for each of two files; one of them is then
// written to. The supervisor starts the worker again, and nobody does anything else.

/** Sizes in MiB. */
const files = { kept: 200, rewritten: 120 };
/** The worker dies when so many parts of 8 MiB have arrived. */
const partsBeforeKill = 8;
type Name = keyof typeof files;
/** Parts a sender has under way at once: those may be sent a second time after a crash. */
const inFlight = 4;
const mebibyte = 1024 * 1024;

let installation: TestInstallation;
const ended: Partial<Record<Name, Awaited<ReturnType<TestInstallation['protect']>>>> = {};
/** Part numbers sent before the kill, in the order of their answers. */
const before: Partial<Record<Name, readonly number[]>> = {};
/** The key of each file's upload before the kill. */
const keys: Partial<Record<Name, string>> = {};

beforeAll(async () => {
  installation = await TestInstallation.start({ sources: { docs: undefined } }, '--no-watch');
  for (const name of Object.keys(files) as Name[]) {
    // Content that does not shrink, so that parts are as many as the size says.
    const content = randomFillSync(Buffer.alloc(files[name] * mebibyte));
    const file = installation.write('docs', name, content);
    installation.armFailPoint('after-part', partsBeforeKill);
    const { pid } = await installation.service('worker');
    const protecting = installation.protect(file);
    await until('the worker is gone', () => !isAlive(pid), 60_000);
    for (const upload of await openUploads()) keys[upload.name] = upload.key;
    // The server may still be busy with parts that it has whole.
    await sleep(1_500);
    before[name] = partsSentTo(keys[name]);
    if (name === 'rewritten') rewriteMiddle(file);
    ended[name] = await protecting;
  }
}, 300_000);

afterAll(() => installation?.remove());

async function openUploads(): Promise<{ name: Name; key: string }[]> {
  const rows = await installation.query<{ name: Buffer; key: string }>(
    `select e.path as name, i.object_key as key from intents i join sealings s on s.id = i.sealing_id
     join versions v on v.id = s.version_id join entries e on e.id = v.entry_id where i.state = 'open'`,
  );
  return rows.map(({ name, key }) => ({ name: name.toString() as Name, key }));
}

const partsSentTo = (key: string | undefined): number[] =>
  installation
    .requests()
    .flatMap(({ operation, uri, status, partNumber = 0 }) =>
      operation === 's3_UploadPart' && status === 200 && key !== undefined && uri.includes(key)
        ? [partNumber]
        : [],
    );

/** Writes into the middle, and gives the file its size and time of modification back. */
function rewriteMiddle(file: string): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.alloc(4_096, 'changed'), 0, 4_096, 60 * mebibyte);
  closeSync(descriptor);
  const anHourAgo = new Date(Date.now() - 3_600_000);
  utimesSync(file, anHourAgo, anHourAgo);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('kill -9 during a 200 MB upload: it is resumed, and no part is sent twice but those in flight', async () => {
  expect(ended.kept?.byPath.get('kept')).toMatchObject({ outcome: 'uploaded', objectKey: keys.kept });
  const sentBefore = before.kept ?? [];
  expect(sentBefore.length).toBeGreaterThanOrEqual(partsBeforeKill);
  expect(sentBefore.length).toBeLessThan(partsBeforeKill + inFlight);
  const sentAfter = partsSentTo(keys.kept).slice(sentBefore.length);
  const twice = sentAfter.filter((part) => sentBefore.includes(part));
  expect(twice.length).toBeLessThanOrEqual(inFlight);
  // 200 MiB and a little make 26 parts of 8 MiB: all were sent, and not all of them anew.
  expect(new Set([...sentBefore, ...sentAfter]).size).toBe(26);
  expect(sentAfter.length).toBeLessThan(26);
  expect(ended.kept?.code).toBe(0);
  const { objects, multiparts } = await installation.bucketState();
  expect(objects.filter(({ key }) => key === keys.kept)).toHaveLength(1);
  expect(multiparts).toBe(0);
});

test('a middle segment rewritten between kill and resume: no part made of changed bytes is sent', async () => {
  expect(ended.rewritten?.byPath.get('rewritten')).toMatchObject({ outcome: 'uploaded' });
  // The interrupted version has ended; what is protected is another one, under another IV and so another name.
  const versions = await installation.query<{ key: string }>(
    `select v.outcome, v.reason, i.state, i.object_key as key from versions v
     join sealings s on s.version_id = v.id join intents i on i.sealing_id = s.id
     join entries e on e.id = v.entry_id where e.path = 'rewritten' order by v.observation`,
  );
  expect(versions).toMatchObject([
    { outcome: 'cancelled', reason: 'changed', state: 'aborted', key: keys.rewritten },
    { outcome: 'uploaded', state: 'committed', key: ended.rewritten?.byPath.get('rewritten')?.objectKey },
  ]);
  expect(versions[1]?.key).not.toBe(keys.rewritten);
  // Nothing more went to the interrupted upload, and nothing of it is left.
  expect(partsSentTo(keys.rewritten)).toEqual(before.rewritten);
  const { objects } = await installation.bucketState();
  expect(objects.filter(({ key }) => key === keys.rewritten)).toEqual([]);
});
