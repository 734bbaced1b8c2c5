import { connect } from 'node:net';
import { Failure } from '../domain/failures.ts';
import type { SignatureSet } from '../domain/records.ts';
import { systemCalls } from '../files/system-calls.ts';
import { withPrivateFile } from './private-file.ts';
import { encryptedMember, longMember, nestedArchive, zippedTestFile } from './probes.ts';
import { type Finding, readReply } from './reply.ts';
import { Session, type SessionReply } from './session.ts';
import { testFile } from './test-file.ts';

/**
 * How a clamd says OK of what it did not look into. Each makes every `clean` of it worthless:
 * - `blind`: it does not find the EICAR test file, which its signatures know.
 * - `archives_unopened`: it does not find the test file in an archive (ScanArchive).
 * - `encrypted_passes`: content that it cannot read is OK (AlertEncrypted).
 * - `limits_pass`: content beyond its limits is OK (AlertExceedsMax).
 * - `long_members_pass`: a member of a zip archive that is longer than MaxFileSize is cut off there, and OK: clamd's own
 *   limit does not tell of it (measured with 1.4.6), the container signature of `limitSignatures` does.
 */
export const scannerProblems = [
  'blind',
  'archives_unopened',
  'encrypted_passes',
  'limits_pass',
  'long_members_pass',
] as const;
export type ScannerProblem = (typeof scannerProblems)[number];

/** What a clamd does, as opposed to what its configuration is believed to say. */
export interface ScannerProof {
  /** Empty: its `OK` can be believed. */
  readonly problems: readonly ScannerProblem[];
  /** The longest stream it takes, bytes; at most what was asked for. */
  readonly takesBytes: number;
  /** Whether it looks into an open file that it is handed as it does into a stream. */
  readonly takesFiles?: boolean;
}

const probeTimeoutMs = 10_000;

/**
 * Puts a running clamd to the proof, with a few kilobytes.
 *
 * @param mostBytes of a stream that it is expected to take
 * @param copies folder for the file that it is handed; without one it is not tried
 * @throws Failure `scanner_unavailable` where it gives no answer that can be read
 */
export async function proveScanner(
  socketPath: string,
  {
    signatureSet,
    mostBytes,
    copies,
  }: { readonly signatureSet: SignatureSet; readonly mostBytes: number; readonly copies?: string },
): Promise<ScannerProof> {
  const problems = await findProblems(socketPath, signatureSet);
  const takesBytes = await longestStream(socketPath, mostBytes);
  return copies === undefined
    ? { problems, takesBytes }
    : { problems, takesBytes, takesFiles: await takesFiles(socketPath, copies) };
}

/** Whether a file handed over is judged: the test file as in a stream, and the nested archive too, so that nobody's OK is for nothing. */
async function takesFiles(socketPath: string, copies: string): Promise<boolean> {
  const calls = systemCalls();
  if (calls === undefined) return false;
  try {
    for (const content of [testFile, nestedArchive()]) {
      const asFile = await withPrivateFile(copies, async (file) => {
        await file.write(content);
        return probe(socketPath, (session) => session.judge(file.fd, calls));
      });
      if (JSON.stringify(asFile) !== JSON.stringify(await probeStream(socketPath, content))) return false;
    }
    return true;
  } catch {
    // By a stream it was just reached.
    return false;
  }
}

/** The part of {@link proveScanner} that takes no time worth speaking of. */
export async function findProblems(
  socketPath: string,
  signatureSet: SignatureSet,
): Promise<readonly ScannerProblem[]> {
  const found = (content: Buffer): Promise<Finding> => probeStream(socketPath, content);
  const problems: ScannerProblem[] = [];
  const knowsTestFile = (await found(testFile)).state === 'infected';
  // The operator's own signatures need not know it.
  if (!knowsTestFile && signatureSet !== 'custom') problems.push('blind');
  if (knowsTestFile && (await found(zippedTestFile())).state !== 'infected')
    problems.push('archives_unopened');
  if ((await found(encryptedMember())).state === 'clean') problems.push('encrypted_passes');
  if ((await found(nestedArchive())).state === 'clean') problems.push('limits_pass');
  if ((await found(longMember())).state === 'clean') problems.push('long_members_pass');
  return problems;
}

const probeStream = (socketPath: string, content: Buffer): Promise<Finding> =>
  probe(socketPath, async (session) => {
    const reply = session.begin();
    await session.send(content);
    session.finish();
    return reply;
  });

async function probe(socketPath: string, ask: (session: Session) => Promise<SessionReply>): Promise<Finding> {
  const session = await Session.open(socketPath);
  const timer = setTimeout(() => session.destroy(), probeTimeoutMs);
  try {
    const ended = await ask(session);
    const finding = ended.kind === 'reply' ? readReply(ended.text, session.id, ended.complete) : undefined;
    if (finding === undefined || (finding.state === 'not_scanned' && finding.reason === 'scanner_error'))
      throw new Failure('scanner_unavailable', { detail: 'it gives no verdict about a probe' });
    return finding;
  } finally {
    clearTimeout(timer);
    session.destroy();
  }
}

/** Lengths asked about at once: each takes one of clamd's sessions. */
const askedAtOnce = 15;
/** clamd refuses an announced length at once; this long a silence means that it waits for the bytes. */
const silenceMs = 250;

/** StreamMaxLength, up to `mostBytes`: clamd refuses a chunk when its length is announced, so that none need be sent. */
async function longestStream(socketPath: string, mostBytes: number): Promise<number> {
  if (!(await refuses(socketPath, mostBytes))) return mostBytes;
  let taken = 0;
  let refused = mostBytes;
  while (refused - taken > 1) {
    const step = Math.max(1, Math.floor((refused - taken) / (askedAtOnce + 1)));
    const lengths = Array.from({ length: askedAtOnce }, (_, index) => taken + (index + 1) * step);
    const asked = lengths.filter((length) => length < refused);
    const answers = await Promise.all(asked.map((length) => refuses(socketPath, length)));
    const first = answers.indexOf(true);
    if (first !== -1) refused = asked[first] as number;
    taken = asked[first === -1 ? asked.length - 1 : first - 1] ?? taken;
  }
  return taken;
}

function refuses(socketPath: string, lengthBytes: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(lengthBytes);
    socket
      .on('connect', () => socket.write(Buffer.concat([Buffer.from('zINSTREAM\0', 'latin1'), length])))
      .on('data', () => resolve(true))
      .on('timeout', () => resolve(false))
      .on('error', (cause: NodeJS.ErrnoException) =>
        reject(new Failure('scanner_unavailable', { detail: cause.code ?? 'no connection' }, { cause })),
      )
      .on('close', () => resolve(true));
    socket.setTimeout(silenceMs, () => socket.destroy());
  });
}
