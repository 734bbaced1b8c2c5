import NodeClam from 'clamscan';
import { Failure } from '../domain/failures.ts';

const timeoutMs = 4000;

/** `ClamAV 1.4.6`, and with official signatures `ClamAV 1.4.6/27500/Mon Jan  1 08:00:00 2026`. */
const versionLine = /^(ClamAV \d+\.\d+\.\d+[^/\s]*)(?:\/\d+\/.+)?$/;

/** The engine that answers on `socketPath`, e.g. `ClamAV 1.4.6`. Throws `scanner_unavailable`. */
export async function clamdEngine(socketPath: string): Promise<string> {
  const answer = await ask(socketPath, (clamd) => clamd.getVersion());
  const engine = versionLine.exec(answer.trim())?.[1];
  if (engine === undefined) throw new Failure('scanner_unavailable', { detail: 'its version is unreadable' });
  return engine;
}

/** Throws `scanner_unavailable` unless clamd answers PONG on `socketPath`. */
export async function pingClamd(socketPath: string): Promise<void> {
  const connection = await ask(socketPath, (clamd) => clamd.ping());
  connection.destroy();
}

/** `clamscan` answers a silent clamd with silence, whatever timeout it is given: hence the race. */
async function ask<Answer>(
  socketPath: string,
  question: (clamd: NodeClam) => Promise<Answer>,
): Promise<Answer> {
  const clamd = await new NodeClam().init({
    preference: 'clamdscan',
    clamscan: { active: false, path: false },
    clamdscan: {
      socket: socketPath,
      timeout: timeoutMs,
      localFallback: false,
      path: false,
      bypassTest: true,
    },
  });
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs);
  });
  try {
    return await Promise.race([question(clamd), tooLate]);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer in time';
    throw new Failure('scanner_unavailable', { detail: code }, { cause });
  } finally {
    clearTimeout(timer);
  }
}
