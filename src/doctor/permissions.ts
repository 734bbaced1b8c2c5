import { type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../config.ts';
import { isFailure } from '../domain/failures.ts';
import { isPassable } from '../stack/folders.ts';
import { say } from '../text/voice.ts';
import { type Check, type Finding, ok, type Patient } from './check.ts';

/** Modes, as in chmod(1). */
const groupAndOthersWrite = 0o022;
const groupAndOthersRead = 0o044;
const othersWrite = 0o002;

/** Whether nobody else on this machine can read the secrets, change the configuration or talk to the services. */
export const permissions: Check = {
  name: 'permissions',
  async look({ home, configPath, config, endpoints }) {
    const findings = [
      ...writable(configPath, say('doctor', 'the_configuration')),
      ...writable(home, say('doctor', 'the_state_folder')),
      ...secretFiles(home, config).flatMap(readable),
      ...sockets(endpoints).flatMap(openToAll),
    ];
    return findings.length > 0 ? findings : [ok(say('doctor', 'permissions_well'))];
  },
};

/** What holds a key or a password. */
function secretFiles(home: string, { passwordFile, services, openpgp }: Config): string[] {
  const configured = [passwordFile, openpgp?.passphraseFile];
  if (services.s3.mode === 'external') configured.push(services.s3.credentialsFile, services.s3.keyFile);
  if (services.postgres.mode === 'external')
    configured.push(
      services.postgres.writerUriFile,
      services.postgres.ownerUriFile,
      services.postgres.keyFile,
    );
  if (services.temporal.mode === 'external')
    configured.push(services.temporal.apiKeyFile, services.temporal.tls?.keyFile);
  return [
    ...configured.filter((file) => file !== undefined),
    ...filesBelow(join(home, 'secrets')),
    ...filesBelow(join(home, 'keys')),
  ];
}

function filesBelow(folder: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  } catch {
    return [];
  }
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function sockets(endpoints: Patient['endpoints']): string[] {
  return [() => endpoints.opaSocket, () => endpoints.clamdSocket].flatMap((where) => {
    try {
      return [where()];
    } catch (error) {
      // That it does not run is told by another check.
      if (isFailure(error, 'service_not_running')) return [];
      throw error;
    }
  });
}

function readable(file: string): Finding[] {
  const stat = statOf(file);
  if (stat === undefined || (stat.mode & (groupAndOthersRead | groupAndOthersWrite)) === 0) return [];
  return [
    {
      state: 'problem',
      what: say('doctor', 'readable', { file, mode: modeText(stat) }),
      means: say('doctor', 'readable_means'),
      todo: say('doctor', 'readable_todo', { file }),
    },
  ];
}

function writable(path: string, what: string): Finding[] {
  const stat = statOf(path);
  if (stat === undefined || (stat.mode & groupAndOthersWrite) === 0) return [];
  return [
    {
      state: 'problem',
      what: say('doctor', 'writable', { what, path, mode: modeText(stat) }),
      means: say('doctor', 'writable_means'),
      todo: `chmod go-w ${path}`,
    },
  ];
}

/** Neither clamd nor OPA asks who connects. */
function openToAll(socket: string): Finding[] {
  const stat = statOf(socket);
  if (stat === undefined || (stat.mode & othersWrite) === 0 || !isPassable(dirname(socket))) return [];
  return [
    {
      state: 'problem',
      what: say('doctor', 'socket_open', { socket }),
      means: say('doctor', 'socket_open_means'),
      todo: say('doctor', 'socket_open_todo', { socket }),
    },
  ];
}

const modeText = ({ mode }: Stats): string => (mode & 0o777).toString(8).padStart(3, '0');

/** Undefined for what is not there, or where nobody without more rights gets to. */
const statOf = (path: string): Stats | undefined => {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
};
