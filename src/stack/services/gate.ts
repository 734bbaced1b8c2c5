import { existsSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config.ts';
import { Failure } from '../../domain/failures.ts';
import type { Door } from '../../gate/gate.ts';
import type { GateSettings } from '../../gate/main.ts';
import { type Certificate, makeCertificate } from '../../hosts/certificate.ts';
import { ourEnvironment } from '../environment.ts';
import { ensureServiceFolders, privateFolder } from '../folders.ts';
import { scriptFile } from '../our-services.ts';
import type { Paths } from '../paths.ts';
import { writePrivate } from '../secrets.ts';
import { readState } from '../supervisor-state.ts';
import { serviceUser } from '../system-users.ts';
import type { RunningServices, ServiceSpec } from './service.ts';

type Listen = NonNullable<Config['listen']>;
/** The services that other hosts reach through the gate. */
export const gatedServices = ['temporal', 'postgres', 's3'] as const;

const heapMebibytes = 64;

/** The gate, in front of those of this machine's services that run. `address` is where it listens. */
export function gateService({
  paths,
  uid,
  listen,
  dependsOn,
}: {
  readonly paths: Paths;
  readonly uid: number;
  readonly listen: Listen;
  readonly dependsOn: readonly string[];
}): ServiceSpec {
  return {
    name: 'gate',
    dependsOn,
    announcesReady: true,
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
    startTimeoutMs: 30_000,

    async prepare(running) {
      const user = await serviceUser('gate', uid);
      const { data, runtime } = ensureServiceFolders(paths, 'gate', user);
      await gateCertificate(paths);
      const settings: GateSettings = {
        address: listen.address,
        doors: doors(listen, running),
        ...certificateFiles(paths),
        hostsFolder: await folderOf(paths, uid, 'hosts'),
        revokedFolder: await folderOf(paths, uid, 'revoked'),
        deedsHome: await gateDeedsHome(paths, uid),
        cutOffFile: path.join(runtime, cutOffName),
        ...(user === undefined ? {} : { user }),
      };
      const settingsFile = path.join(data, 'gate.json');
      writePrivate(settingsFile, JSON.stringify(settings));
      return {
        command: process.execPath,
        args: [`--max-old-space-size=${heapMebibytes}`, scriptFile('src/gate/main'), settingsFile],
        cwd: '/',
        env: ourEnvironment(paths),
        user: undefined,
        address: listen.address,
        extra: {},
      };
    },
  };
}

function doors({ ports }: Listen, running: RunningServices): Door[] {
  return gatedServices.flatMap((service) => {
    const address = running.get(service)?.address;
    if (address === undefined) return [];
    const { hostname, port } = new URL(address.includes('://') ? address : `tcp://${address}`);
    const alpn = { temporal: 'h2', postgres: undefined, s3: 'http/1.1' } as const;
    return [
      {
        ...{ service, port: ports[service], target: { host: hostname, port: Number(port) } },
        asksFirst: service === 'postgres',
        ...(alpn[service] === undefined ? {} : { alpn: alpn[service] }),
      },
    ];
  });
}

/** What the gate shows to whoever comes: made once, because every host that joined knows it. */
export async function gateCertificate(paths: Paths): Promise<Certificate> {
  const { certificateFile, keyFile } = certificateFiles(paths);
  if (!existsSync(certificateFile)) {
    const { certificate, key } = await makeCertificate();
    writePrivate(keyFile, key);
    writePrivate(certificateFile, certificate);
  }
  return { certificate: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

const certificateFiles = (paths: Paths) => ({
  certificateFile: path.join(paths.home, 'secrets', 'gate.pem'),
  keyFile: path.join(paths.home, 'secrets', 'gate.key'),
});

/** Lets a host through from now on. */
export async function openGateTo(
  paths: Paths,
  uid: number,
  hostId: string,
  certificate: string,
): Promise<void> {
  const file = path.join(await folderOf(paths, uid, 'hosts'), `${hostId}.pem`);
  writePrivate(file, certificate, await serviceUser('gate', uid));
}

/** Lets a host through no more: {@link untilCutOff} its connections have ended. It is known by its name when it comes again. */
export async function closeGateTo(paths: Paths, uid: number, hostId: string): Promise<void> {
  const name = `${hostId}.pem`;
  const open = path.join(await folderOf(paths, uid, 'hosts'), name);
  if (existsSync(open)) renameSync(open, path.join(await folderOf(paths, uid, 'revoked'), name));
}

/** Waits until the gate has ended the connections of a host that it was closed to. Failure `host_not_cut_off`. */
export async function untilCutOff(paths: Paths, uid: number, hostId: string): Promise<void> {
  const { runtime } = ensureServiceFolders(paths, 'gate', await serviceUser('gate', uid));
  const file = path.join(runtime, cutOffName);
  const isCutOff = (): boolean => existsSync(file) && readFileSync(file, 'utf8').includes(hostId);
  const deadline = Date.now() + cutOffMs;
  while (gateRuns(paths) && !isCutOff()) {
    if (Date.now() > deadline) throw new Failure('host_not_cut_off', { seconds: cutOffMs / 1_000 });
    await sleep(50);
  }
}

const cutOffName = 'cut-off';
/** The gate looks every second. */
const cutOffMs = 15_000;
const gateRuns = (paths: Paths): boolean => (readState(paths)?.services.gate?.pid ?? 0) > 0;

/** What the gate writes, as whom it runs: the deeds below are its own. */
export const gateDeedsHome = (paths: Paths, uid: number): Promise<string> => folderOf(paths, uid, 'refused');

async function folderOf(paths: Paths, uid: number, name: 'hosts' | 'revoked' | 'refused'): Promise<string> {
  const user = await serviceUser('gate', uid);
  const folder = path.join(ensureServiceFolders(paths, 'gate', user).data, name);
  privateFolder(folder, user);
  return folder;
}
