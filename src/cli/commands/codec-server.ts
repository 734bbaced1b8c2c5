import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { noteDeed } from '../../audit/deeds.ts';
import { RefusedAccess } from '../../audit/refused-access.ts';
import { RenewedCodec } from '../../codec-server/renewed-codec.ts';
import { CodecServer } from '../../codec-server/server.ts';
import { addToken, isValid, readTokens, revokeToken } from '../../codec-server/tokens.ts';
import type { Config } from '../../config.ts';
import { Failure, isFailure } from '../../domain/failures.ts';
import { keyringDocuments } from '../../keys/keyring-files.ts';
import { say } from '../../text/voice.ts';
import { localTime, table } from '../output.ts';
import { installationPassword, locate, type Session, sessionConfig, unlock } from '../session.ts';

/** Decrypts payloads for whoever has a token, until it is stopped. */
export async function runCodecServer(session: Session): Promise<void> {
  const { codecServer } = sessionConfig(session);
  const { temporalUi } = await locate(session);
  if (temporalUi === undefined) throw new Failure('web_ui_unknown');
  const { home } = session.paths;
  const codec = await openCodec(session);
  const server = new CodecServer({
    ...{ address: codecServer.address, port: codecServer.port, tls: tlsOf(codecServer) },
    webUiOrigin: new URL(temporalUi).origin,
    codec,
    tokens: () => readTokens(home),
    note: (deed) => noteDeed(home, deed),
    refused: new RefusedAccess(home, 'codec-server'),
  });
  const endpoint = await server.open().catch((error: NodeJS.ErrnoException) => {
    const address = `${codecServer.address}:${codecServer.port}`;
    throw new Failure('address_taken', { address, detail: error.code ?? 'unknown' }, { cause: error });
  });
  const { output } = session;
  output.value({ endpoint, webUi: temporalUi });
  output.line(
    table([
      [say('web', 'sign_in'), `${endpoint}/`],
      [say('web', 'then_in'), say('web', 'set_codec', { ui: temporalUi, endpoint })],
    ]),
  );
  if (readTokens(home).length === 0) output.note(say('web', 'nobody'));
  output.note(say('web', 'ends'));
  await untilStopped(session.signal);
  await server.close();
}

/** Decrypts with the keys of this installation, as they are added; the password is kept for as long as the server runs. */
async function openCodec(session: Session): Promise<RenewedCodec> {
  const password = await installationPassword(session, sessionConfig(session));
  const source = {
    async stamp() {
      const hash = createHash('sha256');
      for (const { name, bytes } of await keyringDocuments(session.paths.home))
        hash.update(name).update(bytes);
      return hash.digest('hex');
    },
    async open() {
      const { keyring } = await unlock(session, password);
      return keyring.root.payload;
    },
  };
  return RenewedCodec.open(source, (error) =>
    session.output.note(say('web', 'keys_refused', { code: failureCode(error) })),
  );
}

const failureCode = (error: unknown): string => (isFailure(error) ? error.code : 'internal');

function tlsOf({ certFile, keyFile }: Config['codecServer']) {
  return certFile === undefined || keyFile === undefined
    ? undefined
    : { cert: readSecretFile(certFile), key: readSecretFile(keyFile) };
}

function readSecretFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Failure('secret_unreadable', { file }, { cause: error });
  }
}

/** That is how it is ended, and no failure. */
async function untilStopped(signal: AbortSignal): Promise<void> {
  const stopping = new AbortController();
  const ended = [once(process, 'SIGTERM', { signal: stopping.signal })];
  if (!signal.aborted) ended.push(once(signal, 'abort', { signal: stopping.signal }));
  await Promise.race(ended.map((each) => each.catch(() => {})));
  stopping.abort();
}

const hourMs = 3_600_000;

/** Makes a token and prints it, once. */
export async function runCodecToken(
  session: Session,
  name: string,
  { hours }: { readonly hours: number },
): Promise<void> {
  if (!/^[\w.@-]{1,64}$/.test(name)) throw new Failure('usage', { detail: say('web', 'token_name') });
  sessionConfig(session);
  const expiresAt = new Date(Date.now() + hours * hourMs);
  const { paths, actor, output } = session;
  const token = addToken(paths.home, name, expiresAt);
  noteDeed(paths.home, {
    ...{ step: 'keyring', actor },
    facts: { action: 'codec-token', name, expiresAt: expiresAt.toISOString() },
  });
  output.value({ name, token, expiresAt });
  output.line(token);
  output.note(say('web', 'valid_until', { at: localTime(expiresAt) }));
}

/** Who may see decrypted payloads. */
export async function runCodecTokens({ paths, output }: Session): Promise<void> {
  const now = new Date();
  const tokens = readTokens(paths.home).map((token) => ({ ...token, valid: isValid(token, now) }));
  for (const { sha256: _, ...token } of tokens) output.value(token);
  if (tokens.length === 0) output.line(say('web', 'no_tokens'));
  else
    output.line(
      table(
        tokens.map(({ name, expiresAt, valid }) => [
          name,
          `${valid ? say('web', 'until') : say('web', 'expired')} ${localTime(new Date(expiresAt))}`,
        ]),
      ),
    );
}

/** Takes a token back, also from browsers that signed in with it. */
export async function runCodecRevoke({ paths, actor, output }: Session, name: string): Promise<void> {
  revokeToken(paths.home, name);
  noteDeed(paths.home, { step: 'keyring', actor, facts: { action: 'codec-revoke', name } });
  output.result({ name, revoked: true }, () => say('web', 'not_valid', { name }));
}
