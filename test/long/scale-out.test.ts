import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/config.ts';
import { joinedHost } from '../support/hosts.ts';
import { TestInstallation, until } from '../support/installation.ts';
import { mayMakeNetworks, Network } from '../support/network-namespaces.ts';

/** Three machines, two of them in network namespaces of their own: only the gate's three ports connect them. */
describe.skipIf(!mayMakeNetworks())('hosts in networks of their own', () => {
  const small = 3_000;
  let network: Network;
  let cluster: TestInstallation;
  let hosts: Record<'first' | 'second', TestInstallation>;
  let shared: string;

  beforeAll(async () => {
    network = new Network(77);
    shared = mkdtempSync(path.join(tmpdir(), 'holdfast-shared-'));
    for (let i = 0; i < small; i++) {
      const folder = path.join(shared, `folder ${i % 30}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, `${i}.txt`), `content of ${i}\n`.repeat(1 + (i % 50)));
    }
    // Beyond what goes in batches, and one in parts.
    for (let i = 0; i < 6; i++)
      writeFileSync(path.join(shared, `${i}.bin`), Buffer.alloc(3_000_000, `${i}x`));
    writeFileSync(path.join(shared, 'large.bin'), Buffer.alloc(30_000_000, 'large'));
    cluster = await TestInstallation.start(
      {
        sources: { town: undefined },
        configure: (config) => {
          config.listen = { address: network.address };
        },
      },
      '--no-watch',
    );
    const grouped = (config: ConfigFile): void => {
      for (const source of config.sources) if (source.name === 'shared') source.group = 'file-server';
    };
    const join = (name: string) =>
      joinedHost(cluster, name, {
        sources: { [name]: undefined, shared },
        configure: grouped,
        through: network.add(),
      });
    hosts = { first: await join('first'), second: await join('second') };
    for (const host of Object.values(hosts)) await host.up('--no-watch');
  });

  afterAll(async () => {
    for (const host of Object.values(hosts ?? {})) await host.remove();
    await cluster?.remove();
    network?.remove();
    rmSync(shared, { recursive: true, force: true });
  });

  const nameOf = async (hostId: string): Promise<'first' | 'second'> => {
    const [row] = await cluster.query<{ name: 'first' | 'second' }>('select name from hosts where id = $1', [
      hostId,
    ]);
    if (row === undefined) throw new Error('no such host');
    return row.name;
  };

  test('a host lost in the middle of a sweep of a shared tree: the other finishes it, and every file is stored once', async () => {
    const started = await hosts.first.run('sweep', 'shared', '--json');
    const [{ runId } = { runId: '' }] = started.rows as unknown as { runId: string }[];
    const sweeping = await until('the sweep to begin', async () => {
      const [run] = await cluster.query<{ host_id: string }>('select host_id from run_log where id = $1', [
        runId,
      ]);
      return run?.host_id;
    });
    const done = async (): Promise<number> => {
      const [row] = await cluster.query<{ n: number }>(
        `select count(*)::int as n from versions v join entries e on e.id = v.entry_id join sources s on s.id = e.source_id
         where s.name = 'shared' and v.kind = 'file' and v.outcome = 'uploaded'`,
      );
      return row?.n ?? 0;
    };
    await until('a part to be stored', async () => (await done()) > 300, 120_000);
    const lost = await nameOf(sweeping);
    killAll(hosts[lost]);
    const atLoss = await done();
    expect(atLoss).toBeLessThan(small + 7);

    const ended = await until(
      'the other to finish',
      async () => {
        const [run] = await cluster.query<{ result: string | null; totals: Record<string, number> }>(
          'select result, totals from run_log where id = $1',
          [runId],
        );
        return run?.result ? run : undefined;
      },
      540_000,
    );
    expect(ended).toMatchObject({ result: 'complete', totals: { failed: 0 } });

    // A look that a host takes after another host's counts as `duplicate`, and adds no byte.
    const twice = await cluster.query(
      `select v.entry_id from versions v join placements p on p.version_id = v.id and p.state = 'committed'
         join entries e on e.id = v.entry_id join sources s on s.id = e.source_id
       where s.name = 'shared' and v.kind = 'file' group by 1
       having count(*) filter (where v.outcome = 'uploaded') <> 1 or count(distinct (p.object_id, p.byte_offset)) <> 1`,
    );
    expect(twice).toEqual([]);
    expect(await done()).toBe(small + 7);
    const { objects, packs, multiparts } = await cluster.bucketState();
    const known = await cluster.query<{ key: string; s3_version_id: string }>(
      'select key, s3_version_id from objects',
    );
    const stored = [...objects, ...packs].map(({ key, versionId }) => `${key} ${versionId}`).sort();
    expect(stored).toEqual(known.map((row) => `${row.key} ${row.s3_version_id}`).sort());
    expect(multiparts).toBe(0);

    const to = path.join(cluster.folder, 'restored');
    expect(await cluster.run('restore', 'shared', '--to', to)).toMatchObject({ code: 0 });
    const names = readdirSync(shared, { recursive: true, withFileTypes: true }).filter((item) =>
      item.isFile(),
    );
    expect(names).toHaveLength(small + 7);
    for (const item of names) {
      const file = path.join(item.parentPath, item.name);
      const back = path.join(to, 'shared', path.relative(shared, file));
      expect(readFileSync(back).equals(readFileSync(file)), item.name).toBe(true);
    }
    // The lost one comes back, and finds nothing to do.
    await hosts[lost].up('--no-watch');
    const again = await hosts[lost].run('sweep', 'shared', '--wait', '--json');
    expect(again.rows).toMatchObject([{ result: 'complete', totals: { uploaded: 0, failed: 0 } }]);
  });

  test('a host that is revoked reaches nothing from its network; the other goes on', async () => {
    hosts.first.write('first', 'own.txt', 'of the first');
    hosts.second.write('second', 'own.txt', 'of the second');
    expect(await hosts.first.protect(hosts.first.path('first'))).toMatchObject({ code: 0 });
    expect(await cluster.run('host', 'revoke', 'first', '--yes')).toMatchObject({ code: 0 });
    expect(await hosts.first.run('files', 'first')).toMatchObject({ code: 5 });
    hosts.first.write('first', 'late.txt', 'too late');
    expect(await hosts.first.run('sweep', 'first')).toMatchObject({ code: 5 });
    expect(await hosts.second.protect(hosts.second.path('second'))).toMatchObject({
      code: 0,
      rows: [{ outcome: 'uploaded' }],
    });
    const late = await cluster.query(`select 1 from entries where encode(path, 'escape') = 'late.txt'`);
    expect(late).toEqual([]);
    // What it stored is in the bucket's own list all the same: the machine of the cluster completes it.
    await until(
      'the manifests to be complete',
      async () => {
        const { rows } = await cluster.run('status', '--json');
        const [{ journal }] = rows as unknown as [{ journal: Record<string, { versions: number }> }];
        return journal.first?.versions === 0;
      },
      120_000,
    );
  });
});

describe('one worker process', () => {
  const count = 50;
  const filesEach = 40;
  let installation: TestInstallation;

  afterAll(() => installation?.remove());

  test('with 50 sources stays within 400 MB, the watcher too', async () => {
    const sources = Object.fromEntries(Array.from({ length: count }, (_, i) => [`source-${i}`, undefined]));
    installation = await TestInstallation.create({ sources });
    for (const name of Object.keys(sources))
      for (let i = 0; i < filesEach; i++)
        installation.write(name, `folder/${i}.txt`, `${name} ${i}\n`.repeat(1 + ((i * 37) % 2_000)));
    const stored = (wanted: number) =>
      until(
        'everything to be stored',
        async () => {
          const [row] = await installation.query<{ n: number }>(
            `select count(*)::int as n from versions where kind = 'file' and outcome in ('uploaded', 'duplicate')`,
          );
          return row?.n === wanted;
        },
        400_000,
      );
    const peak = async (name: string): Promise<number> =>
      peakMegabytes((await installation.service(name)).pid);
    await installation.up('--no-watch');
    for (const name of Object.keys(sources))
      expect(await installation.run('sweep', name), name).toMatchObject({ code: 0 });
    await stored(count * filesEach);
    const sweeping = await peak('worker');

    await installation.down();
    await installation.up();
    for (const name of Object.keys(sources)) installation.write(name, 'folder/new.txt', `new in ${name}`);
    await stored(count * (filesEach + 1));
    const peaks = { sweeping, watched: await peak('worker'), watcher: await peak('watcher') };
    process.stdout.write(`peak memory in MB: ${JSON.stringify(peaks)}\n`);
    expect(Math.max(...Object.values(peaks))).toBeLessThan(400);
  });
});

/** VmHWM of a process: proc(5). */
function peakMegabytes(pid: number): number {
  const [, kilobytes = ''] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number(kilobytes) * 1_024) / 1_000_000;
}

/** Ends all processes of an installation at once, as a power cut does. */
function killAll(host: TestInstallation): void {
  const state = JSON.parse(readFileSync(path.join(host.home, 'run', 'supervisor.json'), 'utf8')) as {
    pid: number;
    services: Record<string, { pid: number }>;
  };
  // The supervisor first: it would start the others again.
  for (const pid of [state.pid, ...Object.values(state.services).map((service) => service.pid)])
    if (pid > 0) process.kill(pid, 'SIGKILL');
}
