import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectPlain, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Gate } from '../../src/gate/gate.ts';
import { type Certificate, certifiedName, makeCertificate } from '../../src/hosts/certificate.ts';
import { gatePorts } from '../support/hosts.ts';

const address = '127.0.0.1';
const hostId = 'aa'.repeat(16);
let folder: string;
let own: Certificate;
let known: Certificate;
let stranger: Certificate;
let echo: Server;
let gate: Gate;
let ports: Awaited<ReturnType<typeof gatePorts>>;
/** Connections that came through to the service. */
let arrived = 0;
const told: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-gate-'));
  mkdirSync(path.join(folder, 'revoked'));
  [own, known, stranger] = await Promise.all([makeCertificate(), makeCertificate(), makeCertificate()]);
  echo = createServer((socket) => {
    arrived += 1;
    socket.on('error', () => {}).pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, address, resolve));
  const bound = echo.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  const target = { host: address, port: bound.port };
  ports = await gatePorts(address);
  gate = new Gate(
    {
      ...{ address, own, hostsFolder: folder, revokedFolder: path.join(folder, 'revoked') },
      doors: [
        { service: 's3', port: ports.s3, target, asksFirst: false, alpn: 'http/1.1' },
        { service: 'postgres', port: ports.postgres, target, asksFirst: true },
      ],
    },
    (what, { service, host }) => told.push([what, service, host].filter(Boolean).join(' ')),
  );
  await gate.open();
});

afterAll(async () => {
  await gate?.close();
  echo?.close();
  rmSync(folder, { recursive: true, force: true });
});

const letIn = () => {
  writeFileSync(path.join(folder, `${hostId}.pem`), known.certificate);
  onTestFinished(() => rmSync(path.join(folder, `${hostId}.pem`), { force: true }));
};

/** A connection to a door; with `socket` over one that is open already. */
function knock(shown: Certificate | undefined, socket?: Socket): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const client = connect({
      ...(socket === undefined ? { host: address, port: ports.s3, ALPNProtocols: ['http/1.1'] } : { socket }),
      ca: own.certificate,
      servername: certifiedName,
      ...(shown === undefined ? {} : { cert: shown.certificate, key: shown.key }),
    });
    client.once('error', reject).once('secureConnect', () => resolve(client));
    onTestFinished(() => void client.destroy());
  });
}

/** What comes back of what is sent; undefined where the connection ends instead. */
async function echoed(client: TLSSocket, bytes: Buffer): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve) => {
    client.on('error', () => resolve(undefined)).once('close', () => resolve(undefined));
    client.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= bytes.length) resolve(Buffer.concat(chunks));
    });
    client.write(bytes);
  });
}

test('a host on the list gets through, with every byte in both directions', async () => {
  letIn();
  const bytes = randomBytes(3_000_000);
  expect((await echoed(await knock(known), bytes))?.equals(bytes)).toBe(true);
});

test.each([
  ['another certificate', () => stranger],
  ['none', () => undefined],
])('who shows %s reaches nothing', async (_, shown) => {
  letIn();
  const before = arrived;
  const client = await knock(shown()).catch(() => undefined);
  if (client !== undefined) expect(await echoed(client, Buffer.from('hello'))).toBeUndefined();
  expect(arrived).toBe(before);
  expect(told.at(-1)).toBe('refused s3');
});

test('who is taken off the list is cut off, and comes in no more', async () => {
  letIn();
  const client = await knock(known);
  expect((await echoed(client, Buffer.from('in')))?.toString()).toBe('in');
  gate.recheck();
  expect(client.destroyed).toBe(false);

  rmSync(path.join(folder, `${hostId}.pem`));
  const ended = new Promise((resolve) => client.once('close', resolve));
  gate.recheck();
  await ended;
  expect(told.at(-1)).toBe(`expelled s3 ${hostId}`);
  const again = await knock(known).catch(() => undefined);
  if (again !== undefined) expect(await echoed(again, Buffer.from('in'))).toBeUndefined();
});

test('a host that was revoked is turned away by its name', async () => {
  const revoked = path.join(folder, 'revoked', `${hostId}.pem`);
  letIn();
  renameSync(path.join(folder, `${hostId}.pem`), revoked);
  onTestFinished(() => rmSync(revoked));
  const client = await knock(known).catch(() => undefined);
  if (client !== undefined) expect(await echoed(client, Buffer.from('in'))).toBeUndefined();
  expect(told.at(-1)).toBe(`refused s3 ${hostId}`);
});

test('a client does not take anybody else for the gate', async () => {
  letIn();
  const [other] = [stranger];
  const wrong = connect({ host: address, port: ports.s3, ca: other.certificate, servername: certifiedName });
  await expect(
    new Promise((resolve, reject) => wrong.once('error', reject).once('secureConnect', resolve)),
  ).rejects.toThrow();
});

test('a client of Postgres asks for TLS first; whoever talks without it is turned away', async () => {
  letIn();
  const asking = connectPlain(ports.postgres, address);
  onTestFinished(() => void asking.destroy());
  const answer = () => new Promise<string>((resolve) => asking.once('data', (data) => resolve(String(data))));
  asking.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 48]));
  expect(await answer()).toBe('N');
  asking.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
  expect(await answer()).toBe('S');
  expect((await echoed(await knock(known, asking), Buffer.from('query')))?.toString()).toBe('query');

  const before = arrived;
  const plain = connectPlain(ports.postgres, address);
  const ended = new Promise((resolve) => plain.once('close', resolve));
  plain.on('error', () => {}).write('\0\0\0\x1e\0\x03\0\0user\0holdfast_owner\0\0');
  plain.resume();
  await ended;
  expect(arrived).toBe(before);
});
