import fs, {
  chmodSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { EntryRef } from '../../src/catalog/catalog.ts';
import type { Verdict } from '../../src/domain/records.ts';
import { openRecipients } from '../../src/openpgp/recipients.ts';
import { openMessageKeys } from '../../src/openpgp/session-keys.ts';
import { scan } from '../../src/pipeline/scan.ts';
import { openCopy, sweepCopies } from '../../src/quarantine/copies.ts';
import { copyStates } from '../../src/quarantine/query.ts';
import { useGpg } from '../openpgp/gpg.ts';
import { makeWorld, noise, protectOnce, stepRun, untilScanned, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const gpg = useGpg();
let world: World;

beforeEach(async () => {
  world = await makeWorld(postgres());
  if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
  clean = world.knobs.verdict;
  world.knobs.verdict = infected();
});

let clean: Verdict;
const infected = (): Verdict => ({ ...clean, state: 'infected', signature: 'Eicar-Test' });
const content = 'malware';

async function infect(path: string): Promise<EntryRef> {
  world.write(path, content);
  return world.entry(path);
}

const copies = (): string[] => (existsSync(world.quarantineDir) ? readdirSync(world.quarantineDir) : []);

const rows = () =>
  world.catalog.rows<{ path: string; outcome: string; action: string; isKept: boolean }>(
    `select encode(e.path, 'escape') as path, v.outcome, q.action, c.id is not null as "isKept"
     from versions v join entries e on e.id = v.entry_id left join quarantine q on q.version_id = v.id
     left join quarantine_copies c on c.version_id = v.id where v.outcome <> 'cancelled' order by e.path, v.observation`,
  );

/** The plaintext of the only copy. */
async function opened(messageKeys?: Parameters<typeof openCopy>[2]['messageKeys']): Promise<string> {
  const [copy, ...others] = await world.catalog.rows<Parameters<typeof openCopy>[1]>(
    `select c.id, s.format, c.sealed_length as "sealedLength", c.sealed_sha256 as "sealedSha256", v.sha512,
            v.size_bytes as "sizeBytes"
     from quarantine_copies c join sealings s on s.id = c.sealing_id join versions v on v.id = c.version_id`,
  );
  if (copy === undefined || others.length > 0) throw new Error('not one copy');
  const parts: Buffer[] = [];
  const keys = { byId: (id: Buffer) => world.context.keys.byId(id), messageKeys };
  for await (const part of openCopy(world.quarantineDir, copy, keys)) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

/** A context in which the process dies at that point. */
const dyingAt = (point: string) =>
  world.another({
    failPoints: {
      reach: (name) => {
        if (name === point) throw new Error(`died at ${point}`);
      },
    },
  });

describe('move', () => {
  test('takes the file away and keeps it sealed, so that it can neither run nor be found by its bytes', async () => {
    chmodSync(world.folder, 0o755);
    const entry = await infect('bad.exe');
    const settled = await protectOnce(world.context, entry);
    expect(settled).toMatchObject({ outcome: 'quarantined', reason: 'Eicar-Test' });
    expect(readdirSync(world.folder)).toEqual([]);
    const [name = '', ...others] = copies();
    expect(others).toEqual([]);
    expect(name).toMatch(/^[0-9a-f]{32}-[0-9a-f]{32}\.sealed$/);
    expect(statSync(world.quarantineDir).mode & 0o7777).toBe(0o700);
    expect(statSync(join(world.quarantineDir, name)).mode & 0o7777).toBe(0o600);
    expect(readFileSync(join(world.quarantineDir, name)).includes(content)).toBe(false);
    expect(await opened()).toBe(content);
    expect(await rows()).toEqual([
      { path: 'bad.exe', outcome: 'quarantined', action: 'moved', isKept: true },
    ]);
    expect(world.calls).toEqual([]);
  });

  test('opens an incident that names the version and the signature, never the path', async () => {
    await protectOnce(world.context, await infect('secret-name.exe'));
    const [incident, ...others] = await world.catalog.rows<{ kind: string; subject: string; facts: object }>(
      'select kind, subject, facts from incidents',
    );
    const [version] = await world.catalog.rows<{ id: string }>('select id from versions');
    expect(others).toEqual([]);
    expect(incident).toMatchObject({ kind: 'infection', subject: version?.id });
    expect(incident?.facts).toMatchObject({ signature: 'Eicar-Test', engine: 'test 1', signatures: 'r1' });
    expect(JSON.stringify(incident)).not.toContain('secret-name');
  });

  test('deals with every name of a file that has several', async () => {
    const first = await infect('a.exe');
    linkSync(join(world.folder, 'a.exe'), join(world.folder, 'b.exe'));
    const second = await world.entry('b.exe');
    await protectOnce(world.context, first);
    expect(readdirSync(world.folder)).toEqual(['b.exe']);
    await protectOnce(world.context, second);
    expect(readdirSync(world.folder)).toEqual([]);
    expect((await rows()).map(({ path, action }) => [path, action])).toEqual([
      ['a.exe', 'moved'],
      ['b.exe', 'moved'],
    ]);
  });

  test('of a large file keeps all of it', async () => {
    const big = noise(9 * 1024 * 1024);
    world.write('big.iso', big);
    await protectOnce(world.context, await world.entry('big.iso'));
    expect(Buffer.from(await opened()).length).toBeGreaterThan(0);
    expect(await rows()).toMatchObject([{ action: 'moved' }]);
    expect(readdirSync(world.folder)).toEqual([]);
  });

  test('seals to the recipients where content is an OpenPGP message', async () => {
    const key = gpg.makeKey('quarantine');
    const recipients = await openRecipients({ recipients: [key.publicFile] }, Buffer.alloc(64, 3));
    if (typeof world.knobs.admission === 'function') throw new Error('unreachable');
    world.knobs.admission = { ...world.knobs.admission, format: 'openpgp' };
    await protectOnce(world.another({ recipients }), await infect('bad.exe'));
    expect(readdirSync(world.folder)).toEqual([]);
    await expect(opened()).rejects.toMatchObject({ code: 'openpgp_key_missing' });
    expect(await opened(await openMessageKeys({ keyFile: key.privateFile }))).toBe(content);
  });
});

describe('copy and report', () => {
  test('copy keeps a sealed copy and leaves the original', async () => {
    world.knobs.quarantine = 'copy';
    await protectOnce(world.context, await infect('bad.exe'));
    expect(readFileSync(join(world.folder, 'bad.exe'), 'utf8')).toBe(content);
    expect(await opened()).toBe(content);
    expect(await rows()).toMatchObject([{ action: 'copied', isKept: true }]);
  });

  test('report keeps nothing', async () => {
    world.knobs.quarantine = 'report';
    await protectOnce(world.context, await infect('bad.exe'));
    expect(readdirSync(world.folder)).toEqual(['bad.exe']);
    expect(copies()).toEqual([]);
    expect(await rows()).toMatchObject([{ action: 'reported', isKept: false }]);
  });

  test('a file that is gone before it could be kept is reported', async () => {
    const entry = await infect('bad.exe');
    const run = stepRun();
    await expect(untilScanned(dyingAt('after-scan'), entry, run)).rejects.toThrow('died');
    world.remove('bad.exe');
    expect(await protectOnce(world.context, entry, run)).toMatchObject({ outcome: 'quarantined' });
    expect(await rows()).toMatchObject([{ action: 'reported', isKept: false }]);
    expect(await world.catalog.rows('select kind from incidents')).toEqual([{ kind: 'infection' }]);
  });
});

describe('a process that dies', () => {
  test.each(['after-scan', 'quarantine-sealed', 'quarantine-kept', 'quarantine-taken'])(
    'at %s has either the original or a copy on record, and the next run ends it',
    async (point) => {
      const entry = await infect('bad.exe');
      const run = stepRun();
      await expect(protectOnce(dyingAt(point), entry, run)).rejects.toThrow('died');
      const isKept = (await world.catalog.rows('select id from quarantine_copies')).length === 1;
      if (isKept) expect(await opened()).toBe(content);
      else expect(readFileSync(join(world.folder, 'bad.exe'), 'utf8')).toBe(content);
      expect(await protectOnce(world.context, entry, run)).toMatchObject({ outcome: 'quarantined' });
      expect(readdirSync(world.folder)).toEqual([]);
      expect(await opened()).toBe(content);
      expect(await rows()).toEqual([
        { path: 'bad.exe', outcome: 'quarantined', action: 'moved', isKept: true },
      ]);
      expect(copies().length).toBe(1);
    },
  );

  test.each(['quarantine-kept', 'quarantine-taken'])(
    'at %s, and another file has the name since: the copy stays on record, and the new file is looked at',
    async (point) => {
      const entry = await infect('bad.exe');
      const run = stepRun();
      await expect(protectOnce(dyingAt(point), entry, run)).rejects.toThrow('died');
      rmSync(join(world.folder, 'bad.exe'), { force: true });
      world.write('bad.exe', 'a clean document');
      world.knobs.verdict = clean;
      // As a worker that goes on after the crash: the scan step runs again.
      const [version] = await world.catalog.rows<{ id: string }>('select id from versions');
      const step = { versionId: version?.id ?? '', last: true };
      expect(await scan(world.context, step, run)).toEqual({ next: 'changed' });
      expect(await scan(world.context, step, run)).toEqual({ next: 'changed' });
      // Whoever waits for the file still does: the new one was not looked at.
      expect(await world.catalog.rows('select id from entries where settled_hint = hint')).toEqual([]);
      expect(await protectOnce(world.context, entry, run, 1)).toMatchObject({ outcome: 'uploaded' });
      expect(await rows()).toEqual([
        { path: 'bad.exe', outcome: 'quarantined', action: 'replaced', isKept: true },
        { path: 'bad.exe', outcome: 'uploaded', action: null, isKept: false },
      ]);
      expect(await opened()).toBe(content);
      expect(readFileSync(join(world.folder, 'bad.exe'), 'utf8')).toBe('a clean document');
    },
  );
});

describe('a source that cannot be changed', () => {
  const readOnly = (): never => {
    throw Object.assign(new Error('read-only'), { code: 'EROFS', syscall: 'test' });
  };
  const told = () =>
    world.catalog.rows(
      `select event -> 'facts' ->> 'action' as action, event -> 'facts' ->> 'why' as why from audit_events
       where event ->> 'step' = 'quarantine'`,
    );

  test('keeps its file, which is reported, with an incident', async () => {
    const entry = await infect('bad.exe');
    const { accessSync } = fs;
    onTestFinished(restoring(() => (fs.accessSync = accessSync)));
    fs.accessSync = readOnly;
    syncBuiltinESMExports();
    expect(await protectOnce(world.context, entry)).toMatchObject({ outcome: 'quarantined' });
    expect(readdirSync(world.folder)).toEqual(['bad.exe']);
    expect(copies()).toEqual([]);
    expect(await told()).toEqual([{ action: 'reported', why: 'EROFS' }]);
    expect(await world.catalog.rows('select kind from incidents')).toEqual([{ kind: 'infection' }]);
  });

  test('which shows only when the name is taken away, keeps its file beside the sealed copy', async () => {
    const entry = await infect('bad.exe');
    const { rename } = fsPromises;
    onTestFinished(restoring(() => (fsPromises.rename = rename)));
    fsPromises.rename = readOnly;
    syncBuiltinESMExports();
    expect(await protectOnce(world.context, entry)).toMatchObject({ outcome: 'quarantined' });
    expect(readdirSync(world.folder)).toEqual(['bad.exe']);
    expect(await opened()).toBe(content);
    expect(await told()).toEqual([{ action: 'copied', why: 'EROFS' }]);
  });

  const restoring = (restore: () => unknown) => () => {
    restore();
    syncBuiltinESMExports();
  };
});

test('a quarantine without room fails the file, which stays and is not uploaded', async () => {
  const entry = await infect('bad.exe');
  const { link } = fsPromises;
  onTestFinished(() => {
    fsPromises.link = link;
    syncBuiltinESMExports();
  });
  fsPromises.link = () =>
    Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'link' }));
  syncBuiltinESMExports();
  await expect(protectOnce(world.context, entry)).rejects.toMatchObject({
    code: 'quarantine_unwritable',
    facts: { detail: 'ENOSPC' },
  });
  expect(readdirSync(world.folder)).toEqual(['bad.exe']);
  expect(world.calls).toEqual([]);
});

test('a run that finds the file gone because another run was faster ends as that one did', async () => {
  const entry = await infect('bad.exe');
  const run = stepRun();
  await expect(protectOnce(dyingAt('after-scan'), entry, run)).rejects.toThrow('died');
  const [version] = await world.catalog.rows<{ id: string }>('select id from versions');
  const step = { versionId: version?.id ?? '', last: true };
  const overtaken = world.another({
    catalog: new Proxy(world.catalog, {
      get: (catalog, name) =>
        name === 'drawSealing'
          ? async (...args: Parameters<typeof catalog.drawSealing>) => {
              await scan(world.context, step, run);
              return catalog.drawSealing(...args);
            }
          : Reflect.get(catalog, name).bind(catalog),
    }),
  });
  expect(await scan(overtaken, step, run)).toMatchObject({ outcome: 'quarantined' });
  expect(await rows()).toMatchObject([{ action: 'moved', isKept: true }]);
});

test('two runs of the step at once end in one copy on record', async () => {
  const entry = await infect('bad.exe');
  const run = stepRun();
  await expect(protectOnce(dyingAt('after-scan'), entry, run)).rejects.toThrow('died');
  const [version] = await world.catalog.rows<{ id: string }>('select id from versions');
  const step = { versionId: version?.id ?? '', last: true };
  const ended = await Promise.all([1, 2, 3].map(() => scan(world.context, step, run)));
  expect(ended).toMatchObject(ended.map(() => ({ outcome: 'quarantined' })));
  expect(readdirSync(world.folder)).toEqual([]);
  expect(copies().length).toBe(1);
  expect(await opened()).toBe(content);
  expect(await rows()).toMatchObject([{ action: 'moved', isKept: true }]);
});

describe('a file that changed', () => {
  test('before it was sealed is left alone, and nothing is kept', async () => {
    const entry = await infect('bad.exe');
    const run = stepRun();
    await expect(protectOnce(dyingAt('after-scan'), entry, run)).rejects.toThrow('died');
    world.write('bad.exe', 'cleaned by its owner');
    const [version] = await world.catalog.rows<{ id: string }>('select id from versions');
    expect(await scan(world.context, { versionId: version?.id ?? '', last: true }, run)).toEqual({
      next: 'changed',
    });
    expect(readFileSync(join(world.folder, 'bad.exe'), 'utf8')).toBe('cleaned by its owner');
    expect(copies()).toEqual([]);
    expect(await world.catalog.rows('select id from quarantine_copies')).toEqual([]);
  });

  test('a file that is back, with its content and times, is scanned anew', async () => {
    const put = async (): Promise<EntryRef> => {
      const entry = await infect('bad.exe');
      utimesSync(join(world.folder, 'bad.exe'), 1_600_000_000, 1_600_000_000);
      return entry;
    };
    await protectOnce(world.context, await put());
    world.knobs.verdict = clean;
    expect(await protectOnce(world.context, await put())).toMatchObject({ outcome: 'uploaded' });
  });
});

test('what crashes left is swept; copies on record and unknown files stay', async () => {
  await protectOnce(world.context, await infect('bad.exe'));
  const [kept = ''] = copies();
  const id = kept.slice(0, 32);
  const other = `${id}-${'0'.repeat(32)}.sealed`;
  const unknown = `${'f'.repeat(32)}-${'0'.repeat(32)}.sealed`;
  for (const name of ['x.partial', other, unknown, 'notes.txt'])
    writeFileSync(join(world.quarantineDir, name), '');
  const sweep = (at: Date) => sweepCopies(world.quarantineDir, (ids) => copyStates(world.catalog, ids), at);
  expect(await sweep(new Date())).toBe(0);
  expect(await sweep(new Date(Date.now() + 7_200_000))).toBe(2);
  expect(copies().sort()).toEqual([kept, 'notes.txt', unknown].sort());
});
