import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Payload } from '@temporalio/common';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { noteDeed } from '../../src/audit/deeds.ts';
import { Accesses } from '../../src/codec-server/accesses.ts';
import { Attempts } from '../../src/codec-server/attempts.ts';
import { RenewedCodec } from '../../src/codec-server/renewed-codec.ts';
import { CodecServer } from '../../src/codec-server/server.ts';
import { addToken, readTokens, revokeToken } from '../../src/codec-server/tokens.ts';
import { Failure } from '../../src/domain/failures.ts';
import type { PayloadKey } from '../../src/sealed/keyring.ts';
import { EncryptingCodec } from '../../src/temporal/codec.ts';
import { makeCertificates } from '../support/tls.ts';

const webUiOrigin = 'http://127.0.0.1:8233';
const newKey = (): PayloadKey => ({ id: randomBytes(16), key: randomBytes(32) });
const secret: Payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"secret"') };
const hourMs = 3_600_000;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

type Deed = Parameters<typeof noteDeed>[1];

async function start(keys: readonly PayloadKey[] = [newKey()], isNoting = true, serving?: RenewedCodec) {
  const home = mkdtempSync(join(tmpdir(), 'codec-server-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const deeds: Deed[] = [];
  const refused: string[] = [];
  const codec = new EncryptingCodec(keys);
  const server = new CodecServer({
    ...{ address: '127.0.0.1', port: 0, webUiOrigin, codec: serving ?? codec },
    tokens: () => readTokens(home),
    note: (deed) => isNoting && deeds.push(deed) > 0,
    refused: { note: (refusal) => refused.push(refusal?.what ?? ''), tell: () => {} },
  });
  const endpoint = await server.open();
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await server.close();
    isOpen = false;
  };
  onTestFinished(close);
  const ask = ({ method = 'POST', path = '/decode', headers = {}, body = '' }: Asked): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asking = request(endpoint + path, { method, headers }, async (response) => {
        const parts: Buffer[] = [];
        for await (const part of response) parts.push(part as Buffer);
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, text: Buffer.concat(parts).toString() });
      });
      asking.on('error', reject);
      asking.end(body);
    });
  const decode = (payloads: readonly Payload[], headers: Readonly<Record<string, string>>) =>
    ask({ headers: { 'content-type': 'application/json', ...headers }, body: bodyOf(payloads) });
  return { home, deeds, refused, codec, endpoint, ask, decode, close };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const json = ({ metadata, data }: Payload) => ({
  metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([key, value]) => [key, base64(value)])),
  data: base64(data ?? Buffer.alloc(0)),
});
const bodyOf = (payloads: readonly Payload[]): string => JSON.stringify({ payloads: payloads.map(json) });
const later = (): Date => new Date(Date.now() + hourMs);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('with a token', () => {
  test('payloads are decrypted, in their order; what is not encrypted stays as it is', async () => {
    const { home, codec, decode } = await start();
    const token = addToken(home, 'awa', later());
    const plain: Payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('7') };
    const [encrypted = secret] = await codec.encode([secret]);
    const { status, text } = await decode([plain, encrypted], bearer(token));
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ payloads: [json(plain), json(secret)] });
  });

  test('payloads of earlier keys are decrypted too; those of a key that is not there stay as they are', async () => {
    const [older, newer, foreign] = [newKey(), newKey(), newKey()];
    const { home, decode, deeds } = await start([older, newer]);
    const token = addToken(home, 'awa', later());
    const [old = secret] = await new EncryptingCodec([older]).encode([secret]);
    const [other = secret] = await new EncryptingCodec([foreign]).encode([secret]);
    const { status, text } = await decode([other, old], bearer(token));
    expect([status, JSON.parse(text)]).toEqual([200, { payloads: [json(other), json(secret)] }]);
    expect(deeds.at(-1)?.facts).toMatchObject({ decrypted: 1, unknownKey: 1 });
  });

  test('payloads under a key that was added since are decrypted, the keyring opened once for all who ask', async () => {
    const [old, added, foreign] = [newKey(), newKey(), newKey()];
    let keyring = [old];
    let opened = 0;
    const source = {
      stamp: async () => String(keyring.length),
      open: async () => {
        opened += 1;
        // Stretching a password takes its time: whoever asks meanwhile waits for it.
        await sleep(100);
        return keyring;
      },
    };
    const { home, decode } = await start([old], true, await RenewedCodec.open(source, () => {}));
    const headers = bearer(addToken(home, 'awa', later()));
    const under = async (key: PayloadKey) => {
      const [payload = secret] = await new EncryptingCodec([key]).encode([secret]);
      return payload;
    };
    const [first, second, third] = [await under(old), await under(added), await under(foreign)];
    expect(JSON.parse((await decode([second], headers)).text).payloads).toEqual([json(second)]);
    expect(opened).toBe(1);
    keyring = [old, added];
    const answers = await Promise.all([
      decode([first, second, third], headers),
      decode([second, third], headers),
    ]);
    expect(answers.map(({ text }) => JSON.parse(text).payloads)).toEqual([
      [json(secret), json(secret), json(third)],
      [json(secret), json(third)],
    ]);
    expect(opened).toBe(2);
  });

  test('a keyring that cannot be opened any more is told once; what was known is decrypted on', async () => {
    const old = newKey();
    let stamp = 'old';
    const told: unknown[] = [];
    const source = {
      stamp: async () => stamp,
      open: async () => {
        if (stamp === 'old') return [old];
        throw new Failure('wrong_password');
      },
    };
    const codec = await RenewedCodec.open(source, (error) => told.push(error));
    stamp = 'other password';
    const foreign = await new EncryptingCodec([newKey()]).encode([secret]);
    for (let times = 0; times < 2; times++)
      await expect(codec.decode(foreign)).rejects.toMatchObject({ code: 'unknown_key' });
    expect(told).toMatchObject([{ code: 'wrong_password' }]);
    const [known] = await codec.decode(await new EncryptingCodec([old]).encode([secret]));
    expect(Buffer.from(known?.data ?? [])).toEqual(secret.data);
  });

  test('what was changed is refused, as a whole', async () => {
    const { home, codec, decode } = await start();
    const token = addToken(home, 'awa', later());
    const [encrypted = secret] = await codec.encode([secret]);
    const data = Buffer.from(encrypted.data ?? []);
    data[20] = (data[20] ?? 0) ^ 1;
    const { status, text } = await decode([secret, { ...encrypted, data }], bearer(token));
    expect([status, text]).toEqual([422, 'tampered\n']);
  });

  test('each access is put on record before it is answered, under the name of the token', async () => {
    const { home, codec, decode, deeds, close } = await start();
    const token = addToken(home, 'awa', later());
    const encrypted = await codec.encode([secret, secret]);
    const facts = { action: 'decrypt-payloads', namespace: 'holdfast', unknownKey: 0 };
    await decode(encrypted, { ...bearer(token), 'x-namespace': 'holdfast' });
    expect(deeds).toEqual([
      { step: 'keyring', actor: 'awa', facts: { ...facts, requests: 1, decrypted: 2 } },
    ]);
    await decode(encrypted, { ...bearer(token), 'x-namespace': 'holdfast' });
    await decode(encrypted, { ...bearer(token), 'x-namespace': 'holdfast' });
    await close();
    expect(deeds.slice(1).map((deed) => deed.facts)).toEqual([{ ...facts, requests: 2, decrypted: 4 }]);
  });
});

describe('nobody sees anything', () => {
  test('that cannot be put on record', async () => {
    const { home, codec, decode } = await start(undefined, false);
    const answer = await decode(await codec.encode([secret]), bearer(addToken(home, 'awa', later())));
    expect(answer).toMatchObject({ status: 503, text: 'the access cannot be recorded\n' });
  });

  test('without a token, with a wrong, an expired or a revoked one', async () => {
    const { home, codec, decode, deeds, refused } = await start();
    const encrypted = await codec.encode([secret]);
    const revoked = addToken(home, 'left', later());
    revokeToken(home, 'left');
    const expired = addToken(home, 'auditor', new Date(Date.now() - 1));
    addToken(home, 'awa', later());
    const answers = [
      await decode(encrypted, {}),
      await decode(encrypted, bearer('hfcodec_wrong')),
      await decode(encrypted, bearer(expired)),
      await decode(encrypted, bearer(revoked)),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect(answers.map(({ text }) => text).join('')).not.toContain(base64(secret.data ?? Buffer.alloc(0)));
    expect(refused).toEqual(['codec_token_missing']);
    const facts = { what: 'codec_token_refused', command: 'codec-server' };
    expect(deeds).toEqual(Array.from({ length: 3 }, () => ({ step: 'access', actor: 'unknown', facts })));
  });

  test('after five wrong tokens: the right one has to wait too', async () => {
    const { home, decode, deeds } = await start();
    const token = addToken(home, 'awa', later());
    for (let tries = 0; tries < 5; tries++) await decode([], bearer('hfcodec_wrong'));
    const { status, headers } = await decode([], bearer(token));
    expect(status).toBe(429);
    expect(Number(headers['retry-after'])).toBeGreaterThan(50);
    expect(deeds).toHaveLength(5);
  });

  test('from a page that is not the Web UI', async () => {
    const { home, decode, ask, refused } = await start();
    const token = addToken(home, 'awa', later());
    const origin = 'http://127.0.0.1:9999';
    const { status, headers } = await decode([], { ...bearer(token), origin });
    const preflight = await ask({ method: 'OPTIONS', headers: { origin } });
    expect([status, preflight.status]).toEqual([403, 403]);
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
    expect(refused).toEqual(['codec_origin_refused', 'codec_origin_refused']);
  });

  test('with a request that is too long, no JSON, or for something else', async () => {
    const { home, ask } = await start();
    const headers = { ...bearer(addToken(home, 'awa', later())), 'content-type': 'application/json' };
    const long = await ask({ headers, body: 'x'.repeat(17 * 1024 * 1024) }).catch(() => ({ status: 413 }));
    const answers = [
      long,
      await ask({ headers, body: '{"payloads": [{"data": "%"}]}' }),
      await ask({ headers, body: 'payloads' }),
      await ask({ headers: bearer(addToken(home, 'auditor', later())), body: bodyOf([]) }),
      await ask({ headers, path: '/encode' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([413, 400, 400, 415, 404]);
  });
});

describe('in a browser', () => {
  const signIn = (token: string, site = 'same-origin'): Asked => ({
    path: '/sign-in',
    headers: { 'sec-fetch-site': site, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token }).toString(),
  });

  test('the Web UI, and no other page, may ask and see the answer', async () => {
    const { ask } = await start();
    const { status, headers } = await ask({ method: 'OPTIONS', headers: { origin: webUiOrigin } });
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': webUiOrigin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      vary: 'Origin',
    });
    expect(headers['access-control-allow-headers']).toContain('X-Namespace');
  });

  test('whoever signed in is known by a cookie that no script reads, until the token is revoked', async () => {
    const { home, codec, decode, ask, endpoint } = await start();
    const encrypted = await codec.encode([secret]);
    const signedIn = await ask(signIn(addToken(home, 'awa', later())));
    expect(signedIn.text).toContain(`<code>${endpoint}</code>`);
    const [cookie = ''] = signedIn.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      /^holdfast_codec=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=3[56]\d\d$/,
    );
    const headers = { cookie: cookie.split(';')[0] ?? '', origin: webUiOrigin };
    const { text } = await decode(encrypted, headers);
    expect(JSON.parse(text)).toEqual({ payloads: [json(secret)] });
    // Without the page that asks, it could be any.
    expect((await decode(encrypted, { cookie: headers.cookie })).status).toBe(401);
    revokeToken(home, 'awa');
    expect((await decode(encrypted, headers)).status).toBe(401);
  });

  test('whoever signed out has to sign in again', async () => {
    const { home, decode, ask } = await start();
    const signedIn = await ask(signIn(addToken(home, 'awa', later())));
    const cookie = signedIn.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect((await decode([], { cookie, origin: webUiOrigin })).status).toBe(200);
    await ask({ path: '/sign-out', headers: { cookie, 'sec-fetch-site': 'same-origin' } });
    expect((await decode([], { cookie, origin: webUiOrigin })).status).toBe(401);
  });

  test('a wrong token is told on the page, and after too many of them to wait', async () => {
    const { ask } = await start();
    const refused = await ask(signIn('hfcodec_wrong'));
    expect([refused.status, refused.headers['set-cookie']]).toEqual([401, undefined]);
    expect(refused.text).toContain('not valid');
    for (let tries = 1; tries < 5; tries++) await ask(signIn('hfcodec_wrong'));
    const waiting = await ask(signIn('hfcodec_wrong'));
    expect([waiting.status, waiting.headers['retry-after']]).toEqual([429, expect.any(String)]);
    expect(waiting.text).toContain('in a minute');
  });

  test('no other page signs anybody in', async () => {
    const { home, ask } = await start();
    const { status, headers } = await ask(signIn(addToken(home, 'awa', later()), 'same-site'));
    expect([status, headers['set-cookie']]).toEqual([403, undefined]);
  });
});

test('with a certificate it speaks TLS 1.3 only, and its cookie goes nowhere without', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'codec-server-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { caFile, certFile, keyFile } = makeCertificates(folder, 'codec.example.org');
  const token = addToken(folder, 'awa', later());
  const server = new CodecServer({
    ...{ address: '127.0.0.1', port: 0, webUiOrigin, codec: new EncryptingCodec([newKey()]) },
    tls: { cert: readFileSync(certFile), key: readFileSync(keyFile) },
    tokens: () => readTokens(folder),
    note: () => true,
    refused: { note: () => {}, tell: () => {} },
  });
  const endpoint = await server.open();
  onTestFinished(() => server.close());
  expect(endpoint).toMatch(/^https:/);
  const signIn = (maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<IncomingHttpHeaders> =>
    new Promise((resolve, reject) => {
      const headers = { 'sec-fetch-site': 'same-origin' };
      const options = { method: 'POST', headers, ca: readFileSync(caFile), maxVersion };
      const asking = secureRequest(`${endpoint}/sign-in`, options, ({ headers }) => resolve(headers));
      asking.on('error', reject);
      asking.end(new URLSearchParams({ token }).toString());
    });
  expect((await signIn('TLSv1.3'))['set-cookie']?.[0]).toMatch(/; Secure$/);
  await expect(signIn('TLSv1.2')).rejects.toThrow();
});

test('a token is not kept, the file is for its owner only, and a name is given once', async () => {
  const { home } = await start();
  const token = addToken(home, 'awa', later());
  const file = join(home, 'secrets/codec-tokens.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.stringify(readTokens(home))).not.toContain(token.slice(8));
  expect(() => addToken(home, 'awa', later())).toThrow(
    expect.objectContaining({ code: 'codec_token_exists' }),
  );
  expect(() => revokeToken(home, 'nobody')).toThrow(expect.objectContaining({ code: 'codec_token_unknown' }));
  revokeToken(home, 'awa');
  addToken(home, 'awa', new Date(0));
  expect(addToken(home, 'awa', later())).not.toBe(token);
});

test('wrong tokens count for a minute', () => {
  let now = 0;
  const attempts = new Attempts(() => now);
  for (let tries = 0; tries < 5; tries++) attempts.failed();
  expect(attempts.waitSeconds()).toBe(60);
  now = 59_999;
  expect(attempts.waitSeconds()).toBe(1);
  now = 60_000;
  expect(attempts.waitSeconds()).toBe(0);
});

test('what is looked at again and again is told every ten seconds', () => {
  let now = 0;
  const told: Deed['facts'][] = [];
  const accesses = new Accesses(
    ({ facts }) => told.push(facts) > 0,
    () => now,
  );
  const access = { who: 'awa', namespace: 'holdfast', decrypted: 1, unknownKey: 0 };
  for (let times = 0; times < 3; times++) accesses.had(access);
  now = 9_999;
  accesses.tell('due');
  expect(told.map(({ requests }) => requests)).toEqual([1]);
  now = 10_000;
  accesses.tell('due');
  accesses.had(access);
  expect(told.map(({ requests }) => requests)).toEqual([1, 2, 1]);
});
