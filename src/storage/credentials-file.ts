import { readFile } from 'node:fs/promises';
import { Failure } from '../domain/failures.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * Reads one profile of an AWS shared credentials file (AWS SDKs and Tools Reference Guide, "Shared config
 * and credentials files").
 *
 * Our own reader, because the SDK's looks further than the file it is given: environment, other files, and
 * `credential_process` commands. Failure `s3_denied` when the file or the profile is missing or incomplete.
 */
export async function readCredentialsFile(
  file: string,
  profile: string,
  destination: string,
): Promise<Credentials> {
  // The path stays out of the failure, cause included: failures cross into Temporal.
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure('s3_denied', {
      destination,
      reason: `credentials file: ${error.code ?? 'unreadable'}`,
    });
  });
  const values = profileValues(text, profile);
  const accessKeyId = values.get('aws_access_key_id');
  const secretAccessKey = values.get('aws_secret_access_key');
  if (!accessKeyId || !secretAccessKey) {
    throw new Failure('s3_denied', {
      destination,
      reason: 'credentials file: profile missing or incomplete',
    });
  }
  const sessionToken = values.get('aws_session_token');
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

function profileValues(text: string, profile: string): Map<string, string> {
  const values = new Map<string, string>();
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*(.*?)\s*\]/.exec(line);
    const setting = /^\s*([a-z_]+)\s*=\s*(\S+)\s*$/.exec(line);
    if (header) inside = header[1] === profile;
    else if (inside && setting?.[1] && setting[2]) values.set(setting[1], setting[2]);
  }
  return values;
}
