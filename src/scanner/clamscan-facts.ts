import NodeClam from 'clamscan';
import { Failure } from '../domain/failures.ts';

const timeoutMs = 4000;

/** `ClamAV 1.4.6`, and with official signatures `ClamAV 1.4.6/27500/Mon Jan  1 08:00:00 2026`. */
const versionLine = /^(ClamAV \d+\.\d+\.\d+[^/\s]*)(?:\/(\d+)\/(.+))?$/;

/** What clamd says of itself. */
export interface ClamdVersion {
  /** E.g. `ClamAV 1.4.6`. */
  readonly engine: string;
  /** The official signatures it has loaded, if any: their number, and when they were made (its local time). */
  readonly loaded?: { readonly revision: string; readonly at: Date };
}

/** The clamd that answers on `socketPath`. Throws `scanner_unavailable`. */
export async function clamdVersion(socketPath: string): Promise<ClamdVersion> {
  const answer = await ask(socketPath, (clamd) => clamd.getVersion());
  const [, engine, revision, date] = versionLine.exec(answer.trim()) ?? [];
  if (engine === undefined) throw new Failure('scanner_unavailable', { detail: 'its version is unreadable' });
  const at = new Date(date ?? Number.NaN);
  return revision === undefined || Number.isNaN(at.getTime())
    ? { engine }
    : { engine, loaded: { revision, at } };
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
