import { spawn } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Failure, isFailure } from '../../src/domain/failures.ts';
import { controlSocket, supervisorRenew, supervisorStatus, supervisorStop } from '../../src/stack/control.ts';
import { spawnDetached, waitHealthy } from '../../src/stack/detach.ts';
import { identify, isRunning } from '../../src/stack/process-table.ts';
import type { ServiceSpec } from '../../src/stack/services/service.ts';
import { defaultTiming, type SupervisorTiming } from '../../src/stack/supervised-service.ts';
import { Supervisor } from '../../src/stack/supervisor.ts';
import { readState, type SupervisorStatus, stateFile } from '../../src/stack/supervisor-state.ts';
import { type TestInstallation, testInstallation, uid } from './installation.ts';
import { journal, tinyService } from './tiny-services.ts';

const fast: SupervisorTiming = {
  ...defaultTiming,
  healthIntervalMs: 20,
  healthTimeoutMs: 100,
  silenceLimitMs: 400,
  firstBackoffMs: 20,
};
const fixture = path.join(import.meta.dirname, 'fixtures', 'supervise.ts');

let installation: TestInstallation;
let supervisors: Supervisor[];
let logged: string[];

beforeEach(() => {
  installation = testInstallation();
  supervisors = [];
  logged = [];
});

afterEach(async () => {
  for (const supervisor of supervisors) await supervisor.stop();
  await supervisorStop(installation.paths);
  installation.remove();
});

function supervise(...services: ServiceSpec[]): Supervisor {
  const { paths } = installation;
  const supervisor = new Supervisor({
    paths,
    uid,
    services,
    timing: fast,
    log: (message) => logged.push(message),
  });
  supervisors.push(supervisor);
  return supervisor;
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`it never came true that ${what}`);
    await sleep(10);
  }
}

const service = (status: SupervisorStatus | undefined, name: string) => {
  const row = status?.services[name];
  if (row === undefined) throw new Error(`no service ${name}`);
  return row;
};

describe('order', () => {
  test('a service starts when those it needs are healthy, and stops before them', async () => {
    const { paths } = installation;
    const supervisor = supervise(
      tinyService(paths, 'store', { readyMs: 150 }),
      tinyService(paths, 'server', { readyMs: 20 }),
      tinyService(paths, 'worker', { dependsOn: ['store', 'server', 'external'], stopMs: 150 }),
    );
    await supervisor.start();
    await supervisor.stop();
    const lines = journal(paths);
    const at = (line: string) => {
      expect(lines).toContain(line);
      return lines.indexOf(line);
    };
    expect(at('store ready')).toBeLessThan(at('worker starts'));
    expect(at('server starts')).toBeLessThan(at('store ready'));
    expect(at('worker ready')).toBeLessThan(at('worker stops'));
    expect(at('worker stopped')).toBeLessThan(at('store stops'));
    expect(at('worker stopped')).toBeLessThan(at('server stops'));
  });

  test('a service that cannot start is named with its log, and the others are stopped', async () => {
    const { paths } = installation;
    let starts = 0;
    const broken = tinyService(paths, 'broken', {
      dependsOn: ['good'],
      prepare: async () => {
        starts += 1;
        return {
          command: '/bin/sh',
          args: ['-c', 'echo no such luck >&2; exit 3'],
          cwd: '/',
          env: {},
          user: undefined,
          address: '',
          extra: {},
        };
      },
    });
    const error = await supervise(tinyService(paths, 'good'), broken)
      .start()
      .catch((reason: unknown) => reason);
    if (!isFailure(error, 'service_unhealthy')) throw error;
    expect(error.exitCode).toBe(5);
    expect(error.message).toContain('The service broken ended with code 3.');
    expect(error.message).toContain('broken.log');
    expect(error.message).toContain('no such luck');
    expect(starts).toBe(3);
    expect(journal(paths)).toContain('good stopped');
  });

  test('a program that does not exist is an unhealthy service', async () => {
    const { paths } = installation;
    const absent = tinyService(paths, 'absent');
    const prepare = async () => ({ ...(await absent.prepare(new Map())), command: '/nonexistent/program' });
    const error = await supervise({ ...absent, prepare })
      .start()
      .catch((reason: unknown) => reason);
    expect(isFailure(error, 'service_unhealthy')).toBe(true);
  });

  test('stopping in the middle of a start ends it', async () => {
    const { paths } = installation;
    const supervisor = supervise(tinyService(paths, 'slow', { readyMs: 60_000 }));
    const start = supervisor.start().catch((reason: unknown) => reason);
    await until('it starts', async () => service(supervisor.status, 'slow').pid !== 0);
    const { pid } = service(supervisor.status, 'slow');
    await supervisor.stop();
    expect(isFailure(await start, 'interrupted')).toBe(true);
    expect(identify(pid)).toBeUndefined();
  });
});

describe('keeping up', () => {
  test('a service that ended is started again', async () => {
    const { paths } = installation;
    const supervisor = supervise(tinyService(paths, 'mortal'));
    await supervisor.start();
    const before = service(supervisor.status, 'mortal').pid;
    process.kill(before, 'SIGKILL');
    await until('another process is healthy', () => {
      const { pid, healthy } = service(supervisor.status, 'mortal');
      return healthy && pid !== before;
    });
    expect(logged).toContain('The service mortal was ended by SIGKILL; it is started again.');
  });

  test('a silent service is unhealthy at once, but restarted only after the limit', async () => {
    const { paths } = installation;
    let answers = true;
    const health = () => (answers ? Promise.resolve(true) : new Promise<boolean>(() => {}));
    const supervisor = supervise(tinyService(paths, 'mute', { health }));
    await supervisor.start();
    const before = service(supervisor.status, 'mute').pid;
    const since = performance.now();
    answers = false;
    await until('it is unhealthy', () => !service(supervisor.status, 'mute').healthy);
    expect(service(supervisor.status, 'mute').pid).toBe(before);
    await until('it was ended', () => identify(before) === undefined);
    expect(performance.now() - since).toBeGreaterThan(fast.silenceLimitMs);
    answers = true;
    await until('it is healthy again', () => service(supervisor.status, 'mute').healthy);
  });

  test('a service that answers again in time keeps its process', async () => {
    const { paths } = installation;
    let answers = true;
    const supervisor = supervise(tinyService(paths, 'moody', { health: async () => answers }));
    await supervisor.start();
    const before = service(supervisor.status, 'moody').pid;
    await sleep(2 * fast.silenceLimitMs);
    answers = false;
    await until('it is unhealthy', () => !service(supervisor.status, 'moody').healthy);
    answers = true;
    await until('it is healthy', () => service(supervisor.status, 'moody').healthy);
    await sleep(2 * fast.silenceLimitMs);
    expect(service(supervisor.status, 'moody').pid).toBe(before);
  });

  test('a service that comes back at another address takes its dependents with it', async () => {
    const { paths } = installation;
    const moving = tinyService(paths, 'moving');
    let number = 0;
    const prepare = async () => {
      number += 1;
      return { ...(await moving.prepare(new Map())), address: `test:${number}` };
    };
    const seen: (string | undefined)[] = [];
    const dependent = tinyService(paths, 'dependent', { dependsOn: ['moving'] });
    const supervisor = supervise(
      { ...moving, prepare },
      {
        ...dependent,
        prepare: (running) => {
          seen.push(running.get('moving')?.address);
          return dependent.prepare(running);
        },
      },
    );
    await supervisor.start();
    process.kill(service(supervisor.status, 'moving').pid, 'SIGKILL');
    await until('the dependent has the new address', () => seen.length === 2);
    expect(seen).toEqual(['test:1', 'test:2']);
  });

  test('logs are rotated by size, five are kept', async () => {
    const { paths } = installation;
    const supervisor = supervise(tinyService(paths, 'noisy'));
    const file = path.join(paths.home, 'logs', 'noisy.log');
    writeFileSync(file, 'x'.repeat(11 * 1024 * 1024));
    for (let number = 1; number <= 5; number += 1) writeFileSync(`${file}.${number}`, String(number));
    await supervisor.start();
    expect(statSync(file).size).toBe(0);
    expect(statSync(`${file}.1`).size).toBe(11 * 1024 * 1024);
    expect(readFileSync(`${file}.5`, 'utf8')).toBe('4');
  });
});

describe('secrets', () => {
  test('a secret reaches the service on its standard input, and neither its environment nor its arguments', async () => {
    const { paths } = installation;
    const supervisor = supervise(
      tinyService(paths, 'keeper', { stdinSecret: () => Buffer.from('open sesame') }),
    );
    process.env.HOLDFAST_TEST_LEAK = 'open sesame';
    await supervisor.start();
    delete process.env.HOLDFAST_TEST_LEAK;
    expect(journal(paths)).toContain('keeper starts with open sesame');
    const { pid } = service(supervisor.status, 'keeper');
    for (const file of ['environ', 'cmdline']) {
      expect(readFileSync(`/proc/${pid}/${file}`, 'utf8')).not.toContain('sesame');
    }
    expect(readFileSync(stateFile(paths), 'utf8')).not.toContain('sesame');
  });

  test('a new secret reaches the services that have one, which are healthy again when that is said', async () => {
    const { paths } = installation;
    let secret: Buffer = Buffer.from('open sesame');
    const onNewSecret = async (next: Buffer) => {
      if (next.equals(Buffer.from('wrong'))) throw new Failure('wrong_password');
      secret = next;
    };
    const services = [
      tinyService(paths, 'keeper', { stdinSecret: () => secret }),
      tinyService(paths, 'other'),
    ];
    const options = { paths, uid, services, timing: fast, onNewSecret, log: () => {} };
    const supervisor = new Supervisor(options);
    supervisors.push(supervisor);
    await supervisor.start();
    const [keeper, other] = ['keeper', 'other'].map((name) => service(supervisor.status, name).pid);
    const refused = supervisorRenew(paths, Buffer.from('wrong'));
    await expect(refused).rejects.toMatchObject({ code: 'wrong_password' });
    expect(service(supervisor.status, 'keeper').pid).toBe(keeper);
    expect(await supervisorRenew(paths, Buffer.from('new sesame'))).toBe('renewed');
    expect(service(supervisor.status, 'keeper')).toMatchObject({ healthy: true });
    expect(service(supervisor.status, 'keeper').pid).not.toBe(keeper);
    expect(service(supervisor.status, 'other').pid).toBe(other);
    expect(journal(paths)).toContain('keeper starts with new sesame');
    await supervisor.stop();
    expect(await supervisorRenew(paths, Buffer.from('new sesame'))).toBe('not-running');
  });
});

describe('one supervisor per state folder', () => {
  test('a second one is refused and disturbs nothing', async () => {
    const { paths } = installation;
    const first = supervise(tinyService(paths, 'only'));
    await first.start();
    const { pid } = service(first.status, 'only');
    const error = await supervise(tinyService(paths, 'only'))
      .start()
      .catch((reason: unknown) => reason);
    if (!isFailure(error, 'already_running')) throw error;
    expect(error.exitCode).toBe(7);
    expect(error.facts.pid).toBe(process.pid);
    expect(service(await supervisorStatus(paths), 'only').pid).toBe(pid);
  });

  test.each(['with', 'without'])(
    'what a killed supervisor left is stopped first, %s its state file',
    async (state) => {
      const { paths } = installation;
      const env = { ...process.env, HOLDFAST_HOME: paths.home };
      const killed = spawn(process.execPath, [fixture], { env, stdio: 'inherit' });
      await until(
        'all is healthy',
        async () => (await supervisorStatus(paths))?.services.second?.healthy === true,
      );
      const orphans = Object.values((await supervisorStatus(paths))?.services ?? {});
      killed.kill('SIGKILL');
      await until('it is dead', () => killed.pid !== undefined && identify(killed.pid) === undefined);
      expect(orphans.map(isRunning)).toEqual([true, true]);
      expect(await supervisorStatus(paths)).toBeUndefined();
      if (state === 'without') rmSync(stateFile(paths));
      await supervise(tinyService(paths, 'first')).start();
      expect(orphans.map(isRunning)).toEqual([false, false]);
      if (state === 'with') {
        const lines = journal(paths);
        expect(lines.indexOf('second stopped')).toBeLessThan(lines.indexOf('first stops'));
      }
    },
  );

  test('a recycled pid of another boot is left alone', async () => {
    const { paths } = installation;
    const bystander = spawn('sleep', ['60']);
    await until('it runs', () => identify(bystander.pid ?? 0) !== undefined);
    const row = { ...identify(bystander.pid ?? 0), address: '', healthy: true, log: '' };
    const state = { pid: 1, startTime: '', bootId: 'another', services: { first: row } };
    writeFileSync(stateFile(paths), JSON.stringify(state));
    await supervise(tinyService(paths, 'first')).start();
    expect(identify(bystander.pid ?? 0)).toBeDefined();
    bystander.kill('SIGKILL');
  });
});

describe('control', () => {
  test('status tells what runs, the state file the same, both for nobody else', async () => {
    const { paths } = installation;
    await supervise(tinyService(paths, 'shown')).start();
    const status = await supervisorStatus(paths);
    expect(status?.pid).toBe(process.pid);
    expect(service(status, 'shown')).toMatchObject({
      address: 'test:shown',
      healthy: true,
      colour: 'green',
      log: path.join(paths.home, 'logs', 'shown.log'),
    });
    expect(isRunning(service(status, 'shown'))).toBe(true);
    expect(readState(paths)).toEqual(status);
    for (const file of [stateFile(paths), controlSocket(paths)])
      expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('stop returns when everything has stopped', async () => {
    const { paths } = installation;
    const supervisor = supervise(tinyService(paths, 'stoppable', { stopMs: 100 }));
    await supervisor.start();
    expect(await supervisorStop(paths)).toBe('stopped');
    expect(journal(paths)).toContain('stoppable stopped');
    await supervisor.stopped;
    expect(await supervisorStop(paths)).toBe('not-running');
    expect(await supervisorStatus(paths)).toBeUndefined();
    await supervise(tinyService(paths, 'stoppable')).start();
  });
});

describe('detached', () => {
  const start = (script: string) =>
    spawnDetached(process.execPath, [script], {
      stdinSecret: Buffer.alloc(0),
      logFile: path.join(installation.paths.home, 'logs', 'supervisor.log'),
    });

  test('waiting ends when all is healthy', async () => {
    const { paths } = installation;
    process.env.HOLDFAST_HOME = paths.home;
    const supervisor = await start(fixture);
    delete process.env.HOLDFAST_HOME;
    const status = await waitHealthy(paths, ['first', 'second'], supervisor);
    expect(status.pid).toBe(supervisor.pid);
    expect(await supervisorStop(paths)).toBe('stopped');
  });

  test('waiting ends when the supervisor does', async () => {
    const { paths } = installation;
    const supervisor = await start('/nonexistent.ts');
    const error = await waitHealthy(paths, ['first'], supervisor).catch((reason: unknown) => reason);
    if (!isFailure(error, 'service_unhealthy')) throw error;
    expect(error.message).toContain('MODULE_NOT_FOUND');
  });
});
