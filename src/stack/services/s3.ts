import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { embeddedRegion } from '../../config.ts';
import { Failure } from '../../domain/failures.ts';
import { serviceEnvironment } from '../environment.ts';
import { ensureServiceFolders, privateFolder } from '../folders.ts';
import type { Paths } from '../paths.ts';
import { choosePorts } from '../ports.ts';
import { runCommand } from '../run.ts';
import { writePrivate } from '../secrets.ts';
import { type SystemUser, serviceUser } from '../system-users.ts';
import { ensureS3Credentials, s3Accounts, s3CredentialFiles } from './s3-roles.ts';
import type { ServiceSpec } from './service.ts';

const healthPath = '/health';

/**
 * versitygw, an S3 server with versions and Object Lock over a folder, on a loopback port.
 *
 * `address` is its URL. `extra`: `region`, `credentialsFile` and `rolesDir` (see s3-roles.ts), `accessLog` (one line
 * per request). It makes no bucket.
 */
export function s3Service({
  paths,
  uid,
  tool,
}: {
  readonly paths: Paths;
  readonly uid: number;
  readonly tool: string;
}): ServiceSpec {
  const files = s3CredentialFiles(paths.home);
  return {
    name: 's3',
    dependsOn: [],
    stopSignal: 'SIGTERM',
    stopGraceMs: 15_000,
    startTimeoutMs: 30_000,

    async prepare() {
      const user = await serviceUser('s3', uid);
      const { data } = ensureServiceFolders(paths, 's3', user);
      const folder = (name: string) => {
        const made = path.join(data, name);
        privateFolder(made, user);
        return made;
      };
      const { owner } = ensureS3Credentials(files);
      const iam = await writeS3Accounts(paths, uid);
      const { main: port } = await choosePorts(paths, 's3', ['main']);
      const accessLog = path.join(data, 'access.log');
      const objects = folder('objects');
      const metadata = (await keepsAttributes(tool, data, user)) ? [] : ['--sidecar', folder('sidecar')];
      return {
        command: tool,
        args: [
          `--port=127.0.0.1:${port}`,
          `--region=${embeddedRegion}`,
          `--iam-dir=${iam}`,
          // A host that was revoked must not be known for two minutes more.
          '--iam-cache-disable',
          `--access-log=${accessLog}`,
          `--health=${healthPath}`,
          '--keep-alive',
          '--quiet',
          'posix',
          '--dir-perms=448',
          '--file-perms=384',
          '--versioning-dir',
          folder('versions'),
          ...metadata,
          objects,
        ],
        cwd: data,
        env: {
          ...serviceEnvironment(data),
          // The only ways in are this and a command line that every user can read.
          ROOT_ACCESS_KEY_ID: owner.accessKeyId,
          ROOT_SECRET_ACCESS_KEY: owner.secretAccessKey,
        },
        user,
        address: `http://127.0.0.1:${port}`,
        extra: { region: embeddedRegion, ...files, accessLog },
        moreLogs: [accessLog],
      };
    },

    health: async ({ address }) => {
      const response = await fetch(`${address}${healthPath}`, { signal: AbortSignal.timeout(4_000) });
      await response.arrayBuffer();
      return response.ok;
    },
  };
}

/** Tells the server, also one that runs, which accounts there are; gives the folder it reads them from. */
export async function writeS3Accounts(paths: Paths, uid: number): Promise<string> {
  const user = await serviceUser('s3', uid);
  const iam = path.join(ensureServiceFolders(paths, 's3', user).data, 'iam');
  privateFolder(iam, user);
  writePrivate(path.join(iam, 'users.json'), s3Accounts(s3CredentialFiles(paths.home)), user);
  return iam;
}

/**
 * Whether the file system below `data` keeps extended attributes, in which versitygw has an object's metadata. Asked
 * of versitygw itself, once: with an address it cannot listen on, it ends after that check either way.
 */
async function keepsAttributes(tool: string, data: string, user: SystemUser | undefined): Promise<boolean> {
  const answerFile = path.join(data, 'metadata-in');
  if (!existsSync(answerFile)) {
    const probe = path.join(data, 'probe');
    privateFolder(probe, user);
    try {
      const { stdout, stderr } = await runCommand(
        tool,
        ['--port=/nonexistent/socket', '--quiet', 'posix', probe],
        {
          cwd: data,
          env: { ...serviceEnvironment(data), ROOT_ACCESS_KEY_ID: 'probe', ROOT_SECRET_ACCESS_KEY: 'probe' },
          timeoutMs: 10_000,
          ...user,
        },
      );
      const isRefused = `${stdout}${stderr}`.includes('xattr check failed');
      writePrivate(answerFile, isRefused ? 'sidecar' : 'attributes');
    } finally {
      rmSync(probe, { recursive: true, force: true });
    }
  }
  const answer = readFileSync(answerFile, 'utf8');
  if (answer !== 'sidecar' && answer !== 'attributes') {
    throw new Failure('tool_failed', {
      what: 'The S3 data folder',
      detail: 'its file metadata-in was changed.',
    });
  }
  return answer === 'attributes';
}
