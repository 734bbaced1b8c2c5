import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import type { FileRow } from '../../src/cli/rows.ts';
import { TestInstallation, until } from '../../test/support/installation.ts';
import { eicar } from '../quickstart/eicar.ts';

const source = 'registry';
const mebibyte = 1024 * 1024;

/** Every file of the sample; what becomes of each is said beside it. */
const files: Readonly<Record<string, string | Buffer>> = {
  'births/1998/0412.txt': 'Acte de naissance\n', // uploaded, and proved
  'births/1998/0412-copy.txt': 'Acte de naissance\n', // duplicate
  'marriages/2003/0077.txt': 'Acte de mariage\n', // uploaded, then changed
  'old/draft.txt': 'Nothing of it counts any more\n', // uploaded, then deleted
  'scratch.part': 'Not worth a backup\n', // ignored
  'salaries.secret': 'Not before somebody agrees\n', // held, then approved: uploaded
  'judges.secret': 'Nobody should have that\n', // held, then rejected: ignored
  'plans.secret': 'Somebody has still to decide\n', // held
  'sent-by-mail.com': eicar, // quarantined
  'scan-of-everything.tif': Buffer.alloc(2 * mebibyte, 7), // failed: too large for the destination
};
/** Taken away before anybody looked at it. */
const vanishing = 'births/1998/0413.txt';

export const provedFile = `${source}:births/1998/0412.txt`;

export interface SampleOptions {
  readonly onProgress: (what: string) => void;
  /** Called before the first file is met. */
  readonly onStarted: (installation: TestInstallation) => Promise<void>;
}

export interface Sample {
  readonly installation: TestInstallation;
  /** What was told of every file at its last look, by path. */
  readonly rows: ReadonlyMap<string, FileRow>;
  readonly fileNames: readonly string[];
}

/** An installation of its own in which every outcome came about. Whoever made it removes it. */
export async function makeSample({ onProgress, onStarted }: SampleOptions): Promise<Sample> {
  const installation = await TestInstallation.create({ sources: { [source]: undefined } });
  try {
    onProgress('starting the services');
    const key = await approver(installation);
    await installation.up('--no-watch');
    await onStarted(installation);
    onProgress('protecting the files of the sample');
    const rows = await protectAll(installation);
    await decideHolds(installation, key);
    await lookAgain(installation, rows);
    await restoreAndVerify(installation);
    // Somebody comes without the right password.
    const wrong = installation.passwordFile('not the password\n', 'wrong');
    await installation.runWith({ HOLDFAST_PASSWORD_FILE: wrong }, 'audit', 'public-key');
    onProgress('waiting until everything is signed and anchored');
    await until('the refused access to be told', async () => {
      const told = await installation.query(`select 1 from audit_events where event ->> 'step' = 'access'`);
      return told.length > 0;
    });
    await until('an anchor that covers everything', async () => {
      const { rows: found } = await installation.run('audit', 'verify', '--json');
      const { summary } = found.at(-1) as unknown as { summary: { sinceAnchor: number } };
      return summary.sinceAnchor < 50;
    });
    return { installation, rows, fileNames: [...Object.keys(files), vanishing].flatMap(namesOf) };
  } catch (error) {
    await installation.remove();
    throw error;
  }
}

/** Somebody who may decide holds, and the rules that ask for it; gives the file of their key. */
async function approver(installation: TestInstallation): Promise<string> {
  const key = path.join(installation.folder, 'claire.pem');
  const { rows } = await done(
    installation.run('approver', 'keygen', '--name', 'claire', '--output', key, '--no-password', '--json'),
  );
  const { entry } = rows[0] as unknown as { entry: object };
  const data = path.join(installation.folder, 'policy.yaml');
  writeFileSync(data, stringify({ approvers: [entry] }));
  installation.configure((config) => {
    const rules = { admission: { deny_names: ['*.part'] }, release: { deny_names: ['*.secret'] } };
    config.policy = { ...config.policy, data, sources: { [source]: rules } };
    config.audit = { anchorEvery: '5s' };
    for (const destination of config.destinations) destination.maxObjectSize = '1MiB';
  });
  return key;
}

async function protectAll(installation: TestInstallation): Promise<Map<string, FileRow>> {
  const rows = new Map<string, FileRow>();
  const protect = async (...names: string[]): Promise<void> => {
    const ended = await installation.protect(...names.map((name) => installation.path(source, name)));
    for (const [name, row] of ended.byPath) if (row.kind === 'file') rows.set(name, row);
  };
  // One after the other: which of two equal files is stored must not depend on who is faster.
  for (const [name, content] of Object.entries(files)) {
    installation.write(source, name, content);
    await protect(name);
  }
  installation.write(source, 'marriages/2003/0077.txt', 'Acte de mariage, rectifié\n');
  await protect('marriages/2003/0077.txt');
  await vanish(installation, protect);
  rmSync(installation.path(source, 'old/draft.txt'));
  renameSync(installation.path(source, 'scratch.part'), installation.path(source, 'scratch-2.part'));
  await done(installation.run('sweep', source, '--wait', '--json'), 3);
  return rows;
}

/** What became of the files in the end. */
async function lookAgain(installation: TestInstallation, rows: Map<string, FileRow>): Promise<void> {
  const standing = await until('what was approved to be uploaded', async () => {
    const { rows: found } = await done(installation.run('files', '--source', source, '--deleted', '--json'));
    return found.filter(({ outcome }) => outcome === 'held').length === 1 ? found : undefined;
  });
  for (const row of standing) if (row.kind === 'file') rows.set(row.path, row);
}

/** A file that is gone when the worker, which stands still for a moment, comes to it. */
async function vanish(
  installation: TestInstallation,
  protect: (...names: string[]) => Promise<void>,
): Promise<void> {
  const file = installation.write(source, vanishing, 'here and gone\n');
  const pid = await installation.signal('worker', 'SIGSTOP');
  const ended = protect(vanishing);
  try {
    await until('the file to be handed over', async () => {
      const told = await installation.query('select 1 from entries where path = $1 and hint > 0', [
        Buffer.from(vanishing),
      ]);
      return told.length > 0;
    });
    rmSync(file);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await ended;
}

async function decideHolds(installation: TestInstallation, key: string): Promise<void> {
  const { rows } = await done(installation.run('hold', 'list', '--json'));
  for (const { hold, path: held } of rows as unknown as { hold: string; path: string }[]) {
    if (held === 'plans.secret') continue;
    const verdict = held === 'salaries.secret' ? 'approve' : 'reject';
    await done(
      installation.run(
        ...['hold', verdict, hold, '--key', key, '--reason', 'sample of the evidence', '--json'],
      ),
    );
  }
}

async function restoreAndVerify(installation: TestInstallation): Promise<void> {
  await done(
    installation.run('restore', source, '--to', path.join(installation.folder, 'restored'), '--json'),
  );
  await done(installation.run('verify', '--all', '--read-data', '--json'));
}

/** @param accepted exit codes besides 0 */
async function done<Ended extends { code: number; stderr: string }>(
  running: Promise<Ended>,
  ...accepted: number[]
): Promise<Ended> {
  const ended = await running;
  if (ended.code !== 0 && !accepted.includes(ended.code))
    throw new Error(`a command of the sample ended with ${ended.code}: ${ended.stderr}`);
  return ended;
}

/** A path and the name at its end. */
const namesOf = (file: string): string[] => [file, path.basename(file)];
