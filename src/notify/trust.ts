import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { Undelivered } from './undelivered.ts';

/** Whom a connection trusts: the system's authorities and, where a file names one, that one too. TLS 1.2 at least. */
export async function trusted(
  caFile: string | undefined,
): Promise<{ readonly minVersion: 'TLSv1.2'; readonly ca?: string[] }> {
  if (caFile === undefined) return { minVersion: 'TLSv1.2' };
  const own = await readFile(caFile, 'utf8').catch((error: unknown) => {
    throw new Undelivered('caFile cannot be read', { cause: error });
  });
  return { minVersion: 'TLSv1.2', ca: [...getCACertificates('default'), own] };
}

/** A secret alone in a file, without the newline that ends it. */
export async function secretIn(file: string, key: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Undelivered(`${key} cannot be read`, { cause: error });
  });
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new Undelivered(`${key} is empty`);
  return secret;
}
