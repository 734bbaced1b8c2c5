import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * An unsigned `daily.cud` of this version (libclamav/cvd.c): by it clamd tells the version of what it has loaded, as it does
 * of official signatures.
 */
export function dailyDatabase(
  version: number,
  signatures: string,
  publishedAt = new Date('2026-01-01T10:00:00Z'),
): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-daily-'));
  try {
    const publishedSeconds = Math.floor(publishedAt.getTime() / 1_000) + version;
    const head = `ClamAV-VDB:01 Jan 2026 10-00 +0000:${version}:1:90:X:X:me:${publishedSeconds}`;
    const sha256 = createHash('sha256').update(signatures).digest('hex');
    writeFileSync(join(folder, 'daily.ndb'), signatures);
    writeFileSync(join(folder, 'daily.info'), `${head}\ndaily.ndb:${signatures.length}:${sha256}\n`);
    const files = ['daily.info', 'daily.ndb'];
    const archive = execFileSync('tar', ['-C', folder, '--format=ustar', '-cz', ...files]);
    return Buffer.concat([Buffer.from(head.padEnd(512)), archive]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
