import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pipelineSteps } from '../../src/audit/event.ts';
import { resolvePaths } from '../../src/stack/paths.ts';
import { readState } from '../../src/stack/supervisor-state.ts';
import { TestInstallation, until } from '../support/installation.ts';
import { lostOrDoubled, unprotected } from '../support/kill-check.ts';
import { type Kill, killPlan, type Lane, randomFrom } from '../support/kill-plan.ts';
import { changeEarlier, KillWork } from '../support/kill-work.ts';
import { differences, treeFacts } from '../support/tree-facts.ts';

/**
 * kill -9 of every process while a file is at every step, fifty times, with all kinds of work under way at once; nobody does
 * anything about it, but starts the supervisor again when that was killed. After each, a listing of the bucket is held
 * against the catalog, and what the run touched is restored and compared.
 *
 *     HOLDFAST_TEST_SEED=<seed> draws the same kills again; HOLDFAST_TEST_KILLS=<from>-<to> takes only these of them
 */
const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 1_000_000));
const [first = 1, last = 50] = (process.env.HOLDFAST_TEST_KILLS ?? '1-50').split('-').map(Number);
const kills = killPlan(seed).slice(first - 1, last);
const restTimeoutMs = 180_000;
/** One character each, so that a pattern names the folders of two runs. */
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

let installation: TestInstallation;
/** Told by a run already: what stays wrong is told once. */
const told = new Set<string>();

beforeAll(async () => {
  installation = await TestInstallation.start({ sources: { docs: undefined } });
});

afterAll(() => installation?.remove());

test('the kills meet every process and every step', () => {
  const kills = killPlan(seed);
  expect(kills).toHaveLength(50);
  for (const step of pipelineSteps)
    expect(kills.filter((kill) => kill.step === step).length).toBeGreaterThanOrEqual(5);
  for (const process of ['worker', 'watcher', 'temporal', 'postgres', 's3', 'clamd', 'opa', 'supervisor'])
    expect(kills.filter((kill) => kill.process === process).length).toBeGreaterThanOrEqual(2);
  expect(new Set(kills.filter((kill) => kill.process === 'worker').map(({ step }) => step)).size).toBe(9);
});

test.each(kills)(
  `seed ${seed}, kill $run: $process at $step ($point, $lane)`,
  async (kill) => {
    const folder = letters[kill.run - 1] as string;
    const earlier = kill.run === first ? undefined : letters[kill.run - 2];
    const work = new KillWork(installation.path('docs', folder), randomFrom(seed + kill.run));
    installation.armFailPoint(kill.point, kill.count, kill.process === 'worker' ? undefined : 'stop');
    const worker = pidOf('worker');

    const writing = await begin(work, kill.lane);
    await until(`the worker gets to ${kill.point}`, () => hasEnded(worker) || standsStill(worker), 60_000);
    process.kill(pidOf('watcher'), 'SIGCONT');
    // The rest of the work comes while the services are down.
    const others = (['batch', 'single', 'large'] as const).filter((lane) => lane !== kill.lane);
    writing.push(...others.map((lane) => work.write(lane)));
    if (earlier !== undefined) changeEarlier(installation.path('docs', earlier));
    const killed = await strike(kill, worker);
    report(kill, killed);
    if (kill.process === 'supervisor') await installation.up();
    await Promise.all(writing);
    if (kill.lane !== 'batch') await startSweep();

    const names = [folder, ...(earlier === undefined ? [] : [earlier])];
    await atRest(names);
    if (kill.process !== 'supervisor') expect(pidOf(kill.process)).not.toBe(killed);
    expect((await lostOrDoubled(installation)).filter(isNews)).toEqual([]);
    await expectRestorable(names);
  },
  600_000,
);

test('in the end everything comes back, from the catalog and from the bucket alone', async () => {
  const wanted = treeFacts(installation.path('docs'));
  const target = path.join(installation.folder, 'everything');
  expect(await installation.run('restore', 'docs', '--to', target)).toMatchObject({ code: 0 });
  expect(differences(wanted, treeFacts(path.join(target, 'docs')))).toEqual([]);
  rmSync(target, { recursive: true });
  expect(await installation.run('verify', '--all')).toMatchObject({ code: 0 });

  await installation.down();
  await installation.up('--only', 's3');
  const s3 = await installation.service('s3');
  const bare = mkdtempSync(path.join(tmpdir(), 'holdfast-bare-'));
  try {
    const { code, stderr } = await installation.runWith(
      {
        HOME: bare,
        HOLDFAST_HOME: path.join(bare, 'holdfast'),
        AWS_SHARED_CREDENTIALS_FILE: path.join(String(s3.rolesDir), 'recover'),
      },
      ...['recover', '--endpoint', s3.address, '--bucket', String(s3.bucket), '--to', bare],
    );
    expect(code, stderr).toBe(0);
    expect(differences(wanted, treeFacts(path.join(bare, 'docs')))).toEqual([]);
  } finally {
    rmSync(bare, { recursive: true });
  }
}, 600_000);

/** Writes what is to meet the kill, and has it noticed by a sweep or by the watcher. Gives what is still being written. */
async function begin(work: KillWork, lane: Lane): Promise<Promise<void>[]> {
  // Without it the watcher would hand over what the sweep is to find.
  if (lane === 'batch') process.kill(pidOf('watcher'), 'SIGSTOP');
  const writing = work.write(lane);
  if (lane === 'batch') await startSweep();
  return [writing];
}

/** As a user would: again, where something is down. */
async function startSweep(): Promise<void> {
  await until(
    'a sweep has started',
    async () => (await installation.run('sweep', 'docs')).code === 0,
    120_000,
  );
}

/** Kills what is to be killed, and has the worker go on. Gives the process id. */
async function strike({ process: name, delayMs }: Kill, worker: number): Promise<number> {
  if (name === 'worker') return worker;
  const pid = name === 'supervisor' ? noted().pid : pidOf(name);
  if (delayMs === undefined) process.kill(pid, 'SIGKILL');
  process.kill(worker, 'SIGCONT');
  if (delayMs !== undefined) {
    await sleep(delayMs);
    process.kill(pid, 'SIGKILL');
  }
  return pid;
}

function report({ run, process: name, step, point, lane, count, delayMs }: Kill, pid: number): void {
  const when = delayMs === undefined ? 'at that moment' : `${delayMs} ms later`;
  process.stdout.write(
    `kill ${run} seed=${seed} process=${name} step=${step} pid=${pid}: worker at ${point} for time ${count} (${lane}), killed ${when}\n`,
  );
}

/** Waits until all work has ended by itself and everything is protected as it is on the disk. */
async function atRest(names: readonly string[]): Promise<void> {
  let left: readonly string[] = ['nothing was asked yet'];
  const deadline = performance.now() + restTimeoutMs;
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(500);
    left = await leftToDo(names).catch((error: Error) => [error.message]);
  }
  expect(left).toEqual([]);
}

/** Rejects while Postgres is down, or when an infected file is taken away while the disk is looked at. */
async function leftToDo(names: readonly string[]): Promise<string[]> {
  return unprotected(installation, names, factsBelow(installation.path('docs'), names));
}

async function expectRestorable(names: readonly string[]): Promise<void> {
  const target = path.join(installation.folder, 'restored');
  const { code, stderr } = await installation.run('restore', `docs:[${names.join('')}]`, '--to', target);
  expect(code, stderr).toBe(0);
  const wanted = factsBelow(installation.path('docs'), names);
  expect(differences(wanted, factsBelow(path.join(target, 'docs'), names))).toEqual([]);
  rmSync(target, { recursive: true });
}

/** The facts of a source's top folders with all that is in them. */
function factsBelow(root: string, names: readonly string[]): ReturnType<typeof treeFacts> {
  const trees = names.map((name) => [name, treeFacts(path.join(root, name))] as const);
  const under = <Value>(name: string, map: ReadonlyMap<string, Value>): [string, Value][] =>
    [...map].map(([inside, value]) => [`${name}/${inside}`, value]);
  return {
    entries: new Map(
      trees.flatMap(([name, tree]) =>
        under(name, tree.entries).map(([at, facts]) => [
          at,
          { ...facts, sameFileAs: facts.sameFileAs && `${name}/${facts.sameFileAs}` },
        ]),
      ),
    ),
    allocatedBytes: new Map(trees.flatMap(([name, tree]) => under(name, tree.allocatedBytes))),
  };
}

function isNews(finding: string): boolean {
  if (told.has(finding)) return false;
  told.add(finding);
  return true;
}

/** What the supervisor wrote down last: quicker than asking it, and there when it is dead. */
function noted() {
  const state = readState(resolvePaths(installation.env, process.getuid?.() ?? 0));
  return state ?? expect.unreachable('no supervisor has run');
}

function pidOf(service: string): number {
  return noted().services[service]?.pid || expect.unreachable(`${service} does not run`);
}

const hasEnded = (pid: number): boolean => !existsSync(`/proc/${pid}`);

/** The state after the name of the program in parentheses (proc_pid_stat(5)). */
const standsStill = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.startsWith('T') === true;
