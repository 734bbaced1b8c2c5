import { createHash } from 'node:crypto';
import {
  chownSync,
  closeSync,
  copyFileSync,
  createReadStream,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { SignatureSet } from '../../domain/records.ts';
import { limitSignatures, maxScanBytes } from '../../scanner/limits.ts';
import { testFile } from '../../scanner/test-file.ts';
import { serviceEnvironment } from '../environment.ts';
import { ensureServiceFolders, privateFolder } from '../folders.ts';
import type { Paths } from '../paths.ts';
import { runCommand } from '../run.ts';
import { writePrivate } from '../secrets.ts';
import { type SystemUser, serviceUser } from '../system-users.ts';
import type { ClamavTools } from '../toolchain/clamav.ts';
import { configText } from './clamav-config.ts';

/** What is known of the loaded signatures. */
export interface SignatureFacts {
  readonly set: SignatureSet;
  /** SHA-256 over the names and contents of the database's files, hex: equal revisions give equal verdicts. */
  readonly revision: string;
  /** When the newest of them was published, ISO 8601 UTC; for the built-in set, when it was put in place. */
  readonly at: string;
}

export interface Signatures {
  /** The folder clamd loads. */
  readonly database: string;
  readonly facts: SignatureFacts;
  /** The facts as JSON, beside the database. */
  readonly factsFile: string;
}

interface SignatureOptions {
  /** clamd's data folder. */
  readonly folder: string;
  /** The operator's own signatures; they are used alone when this folder holds any. */
  readonly customFolder: string;
  /** Where the distribution's own freshclam keeps official signatures, if it does. */
  readonly systemFolder: string;
  readonly tool: ClamavTools;
  readonly user: SystemUser | undefined;
  readonly mayFetch: boolean;
}

/** freshclam is asked again when the newest signatures are older than this. */
const refreshAfterMs = 24 * 60 * 60 * 1000;
/** One download of the whole set is some hundred megabytes. */
const fetchTimeoutMs = 300_000;

/** EICAR's test file as a ClamAV extended signature. */
const eicarSignature = `Eicar-Test-Signature:0:0:${testFile.toString('hex')}\n`;
/** Beside whatever set there is: no malware, but what clamd does not look at. */
const limitsFile = 'holdfast-limits.cdb';

/**
 * Puts signatures in place for the next start of clamd: the operator's own; else official ones (this machine's, or
 * fetched); else the built-in test signature.
 */
export async function ensureSignatures(options: SignatureOptions): Promise<Signatures> {
  const { folder, user } = options;
  const set = await chooseSet(options);
  const database = databaseFolder(folder, set);
  writePrivate(path.join(database, limitsFile), limitSignatures(maxScanBytes), user);
  const facts = { set, revision: await revisionOf(database), at: publishedAt(set, database).toISOString() };
  const factsFile = path.join(folder, 'signature-set.json');
  writePrivate(factsFile, `${JSON.stringify(facts)}\n`, user);
  return { database, facts, factsFile };
}

/** The kind of signatures clamd would start with, fetched now where that is possible. */
export async function signatureSetFor(paths: Paths, uid: number, tool: ClamavTools): Promise<SignatureSet> {
  const user = await serviceUser('clamd', uid);
  const { data } = ensureServiceFolders(paths, 'clamd', user);
  const signatures = await ensureSignatures({ ...signatureFolders(paths, data), tool, user, mayFetch: true });
  return signatures.facts.set;
}

/** Where signatures come from, for the clamd whose data folder is `folder`. */
export function signatureFolders(
  paths: Paths,
  folder: string,
): Pick<SignatureOptions, 'folder' | 'customFolder' | 'systemFolder'> {
  return { folder, customFolder: path.join(paths.home, 'signatures'), systemFolder: '/var/lib/clamav' };
}

async function chooseSet(options: SignatureOptions): Promise<SignatureSet> {
  const { folder, customFolder, systemFolder, user, mayFetch } = options;
  if (signatureFiles(customFolder).length > 0) {
    replaceFiles(customFolder, emptied(databaseFolder(folder, 'custom')), user);
    return 'custom';
  }
  const official = databaseFolder(folder, 'official');
  privateFolder(official, user);
  if (newest(systemFolder) > newest(official)) replaceFiles(systemFolder, emptied(official), user);
  if (mayFetch && Date.now() - newest(official) > refreshAfterMs) await fetchOfficial(options, official);
  if (hasOfficialMain(official)) return 'official';
  const builtin = databaseFolder(folder, 'builtin-test');
  privateFolder(builtin, user);
  writePrivate(path.join(builtin, 'eicar.ndb'), eicarSignature, user);
  return 'builtin-test';

  function emptied(target: string): string {
    rmSync(target, { recursive: true, force: true });
    privateFolder(target, user);
    return target;
  }
}

function databaseFolder(folder: string, set: SignatureSet): string {
  return path.join(folder, `database-${set}`);
}

/** Runs freshclam once. That it fails is no error: what is in the folder afterwards counts. */
async function fetchOfficial({ folder, tool, user }: SignatureOptions, database: string): Promise<void> {
  const config = path.join(folder, 'freshclam.conf');
  const settings = {
    DatabaseDirectory: database,
    DatabaseMirror: 'database.clamav.net',
    MaxAttempts: 1,
    ConnectTimeout: 5,
    ReceiveTimeout: 60,
    TestDatabases: false,
    ScriptedUpdates: true,
  };
  writePrivate(config, configText(settings), user);
  await runCommand(tool.freshclam, [`--config-file=${config}`, '--stdout'], {
    cwd: folder,
    env: { ...serviceEnvironment(folder), ...tool.env, ...proxySettings(process.env) },
    timeoutMs: fetchTimeoutMs,
    ...user,
  });
}

function proxySettings(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

/** File names ClamAV loads (its manual, "Signatures"). */
const signatureName =
  /\.(cvd|cld|cud|[hmn]db|[hm]sb|[hmn]du|[hm]su|ldb|ldu|yar|yara|fp|sfp|ign2?|cbc|pdb|wdb|gdb|cdb|idb|ftm|cfg|crb|info|imp|pwdb)$/;

function signatureFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => signatureName.test(name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function replaceFiles(from: string, to: string, user: SystemUser | undefined): void {
  for (const name of signatureFiles(from)) {
    const copy = path.join(to, name);
    copyFileSync(path.join(from, name), copy);
    if (user !== undefined) chownSync(copy, user.uid, user.gid);
  }
}

/** Without `main` and `daily`, official signatures are no protection worth the name. */
function hasOfficialMain(folder: string): boolean {
  const names = signatureFiles(folder).map((name) => name.replace(/\.(cvd|cld)$/, ''));
  return names.includes('main') && names.includes('daily');
}

/** When the newest official file in `folder` was published, in milliseconds since 1970; 0 without one. */
function newest(folder: string): number {
  const official = signatureFiles(folder).filter((name) => /\.(cvd|cld)$/.test(name));
  return Math.max(0, ...official.map((name) => buildTimeMs(path.join(folder, name))));
}

/**
 * The build time in the header of a .cvd or .cld file: 512 bytes of fields between colons, of which the last is the
 * build time in seconds since 1970 (libclamav/cvd.h, `stime`).
 */
function buildTimeMs(file: string): number {
  const header = Buffer.alloc(512);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, header, 0, header.length, 0);
  } finally {
    closeSync(descriptor);
  }
  const fields = header.toString('latin1').trim().split(':');
  const seconds = Number(fields[8]);
  return fields[0] === 'ClamAV-VDB' && Number.isSafeInteger(seconds) ? seconds * 1000 : 0;
}

function publishedAt(set: SignatureSet, database: string): Date {
  if (set === 'official') return new Date(newest(database));
  const names = signatureFiles(database).filter((name) => name !== limitsFile);
  const times = names.map((name) => statSync(path.join(database, name)).mtimeMs);
  return new Date(Math.max(0, ...times));
}

async function revisionOf(database: string): Promise<string> {
  const revision = createHash('sha256');
  for (const name of signatureFiles(database)) {
    const content = createHash('sha256');
    await pipeline(createReadStream(path.join(database, name)), content);
    revision.update(`${name}\0`).update(content.digest());
  }
  return revision.digest('hex');
}
