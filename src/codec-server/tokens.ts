import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../domain/failures.ts';
import { writePrivate } from '../stack/secrets.ts';

/** Somebody who may see decrypted payloads. Of the token itself only the SHA-256 is kept. */
const schema = z.array(
  z.strictObject({
    name: z.string(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** ISO 8601 UTC. */
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
  }),
);

export type CodecToken = z.infer<typeof schema>[number];

const tokenBytes = 32;
/** Lets whoever finds one somewhere know what it is. */
const prefix = 'hfcodec_';

const fileOf = (home: string): string => join(home, 'secrets', 'codec-tokens.json');

/** Those that were made and not revoked, expired ones too. Failure `secret_unreadable` for a file that nobody of ours wrote. */
export function readTokens(home: string): readonly CodecToken[] {
  const file = fileOf(home);
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Failure('secret_unreadable', { file }, { cause: error });
  }
}

/** Makes a token and gives it: nobody can see it again. Failure `codec_token_exists` while one of that name is valid. */
export function addToken(home: string, name: string, expiresAt: Date): string {
  const now = new Date();
  const others = readTokens(home).filter((token) => token.name !== name || isValid(token, now));
  if (others.some((token) => token.name === name)) throw new Failure('codec_token_exists', { name });
  const token = prefix + randomBytes(tokenBytes).toString('base64url');
  const [createdAt, expires] = [now.toISOString(), expiresAt.toISOString()];
  const made = { name, sha256: hashOf(token).toString('hex'), createdAt, expiresAt: expires };
  write(home, [...others, made]);
  return token;
}

/** Failure `codec_token_unknown`. */
export function revokeToken(home: string, name: string): void {
  const all = readTokens(home);
  const left = all.filter((token) => token.name !== name);
  if (left.length === all.length) throw new Failure('codec_token_unknown', { name });
  write(home, left);
}

/** Whose token this is, compared in the same time whatever it is; undefined for one that is unknown, revoked or expired. */
export function holderOf(
  tokens: readonly CodecToken[],
  presented: string,
  now: Date,
): CodecToken | undefined {
  const hash = hashOf(presented);
  let found: CodecToken | undefined;
  for (const token of tokens) if (timingSafeEqual(Buffer.from(token.sha256, 'hex'), hash)) found = token;
  return found !== undefined && isValid(found, now) ? found : undefined;
}

export const isValid = ({ expiresAt }: CodecToken, now: Date): boolean =>
  now.getTime() < Date.parse(expiresAt);

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

function write(home: string, tokens: readonly CodecToken[]): void {
  const file = fileOf(home);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writePrivate(file, `${JSON.stringify(tokens, undefined, 2)}\n`);
}
