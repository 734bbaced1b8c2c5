/** Channels against real listeners: SMTP with STARTTLS and passwords, HTTP and HTTPS. */
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ChannelConfig, parseConfig } from '../../src/config.ts';
import { sendEmail } from '../../src/notify/email.ts';
import type { Message } from '../../src/notify/message.ts';
import { sendRequest } from '../../src/notify/request.ts';
import { send } from '../../src/notify/send.ts';
import { MailServer, mailPassword, mailUser } from '../support/mail-server.ts';
import { type Certificates, makeCertificates } from '../support/tls.ts';
import { until } from '../support/until.ts';

let folder: string;
let certificates: Certificates;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-notify-'));
  certificates = makeCertificates(folder, 'localhost');
  writeFileSync(join(folder, 'password'), `${mailPassword}\n`);
  writeFileSync(join(folder, 'secret'), 'shared secret\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A channel as the configuration takes it. */
function channel(given: object): ChannelConfig {
  const config = parseConfig(
    JSON.stringify({
      ...{ version: 1, repository: 'd'.repeat(32), host: { id: 'b'.repeat(32) } },
      sources: [{ name: 'docs', path: '/tmp' }],
      destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { days: 7 } }],
      notifications: { channels: [{ name: 'one', ...given }] },
    }),
    'holdfast.yaml',
  );
  return config.notifications.channels[0] as ChannelConfig;
}

const message: Message = {
  id: 'a'.repeat(32),
  topic: 'files_failed',
  subject: '3 fichiers ne sont pas protégés',
  text: 'Ce qui s’est passé\n…\n.\nfin\n',
  facts: { count: 3 },
  at: '2026-11-23T13:05:12.000Z',
  recipient: undefined,
};

describe('mail', () => {
  const email = (port: number, changes: object = {}): ChannelConfig =>
    channel({
      ...{ type: 'email', host: '127.0.0.1', port, caFile: certificates.caFile },
      ...{ user: mailUser, passwordFile: join(folder, 'password') },
      ...{ from: 'holdfast@mairie.example', to: ['claire@mairie.example', 'paul@mairie.example'] },
      ...changes,
    });
  const start = async (options = {}): Promise<MailServer> => {
    const server = await MailServer.start(certificates, options);
    onTestFinished(() => server.stop());
    return server;
  };

  test('goes over TLS, with name and password, to everybody, and says which message it is', async () => {
    const server = await start();
    await send(email(server.port), message, undefined);
    expect(server.mails).toEqual([
      {
        from: 'holdfast@mairie.example',
        to: ['claire@mairie.example', 'paul@mairie.example'],
        subject: '[Holdfast] 3 fichiers ne sont pas protégés',
        messageId: `<${message.id}@holdfast>`,
        text: message.text,
        ...{ secure: true, user: mailUser },
      },
    ]);
    await send(email(server.port), { ...message, recipient: 'notification@authority.example' }, undefined);
    expect(server.mails[1]?.to).toEqual(['notification@authority.example']);
  });

  test('a server that offers no TLS, or whose certificate nobody vouches for, gets nothing', async () => {
    const plain = await start({ offersTls: false });
    await expect(send(email(plain.port), message, undefined)).rejects.toMatchObject({ name: 'Undelivered' });
    const other = await start();
    const stranger = email(other.port, { caFile: undefined });
    await expect(send(stranger, message, undefined)).rejects.toMatchObject({ name: 'Undelivered' });
    expect([...plain.mails, ...other.mails]).toEqual([]);
  });

  test('says with a code what a server did not take, and nothing of a password', async () => {
    const server = await start();
    writeFileSync(join(folder, 'other'), 'not the password');
    const wrong = send(email(server.port, { passwordFile: join(folder, 'other') }), message, undefined);
    await expect(wrong).rejects.toMatchObject({ reason: expect.stringMatching(/^EAUTH 5\d\d$/) });
    const full = await start({ takes: false });
    await expect(send(email(full.port), message, undefined)).rejects.toMatchObject({
      reason: 'EMESSAGE 452',
    });
    await server.stop();
    await expect(send(email(server.port), message, undefined)).rejects.toMatchObject({
      reason: expect.stringMatching(/^E[A-Z]+$/),
    });
    const nowhere = send(email(server.port, { passwordFile: '/nowhere' }), message, undefined);
    await expect(nowhere).rejects.toMatchObject({ reason: 'passwordFile cannot be read' });
  });

  test('is not waited for longer than it may take, however slowly a server answers', async () => {
    const sockets = new Set<Socket>();
    const tarpit = createTcpServer((socket) => {
      sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
      socket.write('220 mail.mairie.example\r\n');
      socket.once('data', () => {
        const drip = setInterval(() => socket.write('250-still here\r\n'), 50);
        socket.on('close', () => clearInterval(drip));
      });
    });
    await new Promise<void>((resolve) => tarpit.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      tarpit.close();
    });
    const to = email((tarpit.address() as AddressInfo).port) as Extract<ChannelConfig, { type: 'email' }>;
    await expect(sendEmail(to, message, undefined, 500)).rejects.toMatchObject({
      reason: 'no answer in time',
    });
    await until('the connection to be closed', () => sockets.size === 0);
  });

  test('is not taken by a server that hangs up after the text: sent again under the same id', async () => {
    const ids: (string | undefined)[] = [];
    const dropping = createTcpServer((socket) => {
      let said = '';
      let isText = false;
      socket.on('error', () => {}).write('220 mail.mairie.example\r\n');
      socket.on('data', (chunk) => {
        said += chunk.toString('latin1');
        if (isText && said.endsWith('\r\n.\r\n')) {
          ids.push(/^Message-ID: (.*)\r$/im.exec(said)?.[1]);
          socket.destroy();
        } else if (!isText && said.endsWith('\r\n')) {
          isText = said === 'DATA\r\n';
          socket.write(isText ? '354 go on\r\n' : '250 fine\r\n');
          said = '';
        }
      });
    });
    await new Promise<void>((resolve) => dropping.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      dropping.close();
    });
    const here = { security: 'none', user: undefined, passwordFile: undefined, caFile: undefined };
    const to = email((dropping.address() as AddressInfo).port, here);
    for (const _ of [1, 2])
      await expect(send(to, message, undefined)).rejects.toMatchObject({
        reason: expect.stringMatching(/^E[A-Z]+$/),
      });
    expect(ids).toEqual([`<${message.id}@holdfast>`, `<${message.id}@holdfast>`]);
  });

  test('goes to one address, whatever is written after it', async () => {
    const server = await start();
    for (const line of ['\r\nBcc: evil@evil.example', ', evil@evil.example', ' <evil@evil.example>']) {
      const recipient = `notification@authority.example${line}`;
      await send(email(server.port), { ...message, recipient }, undefined).catch(() => {});
      await send(email(server.port), { ...message, subject: `x${line}` }, undefined);
    }
    const to = server.mails.flatMap((mail) => mail.to);
    expect(to).not.toContain('evil@evil.example');
    expect(server.mails.filter(({ subject }) => subject.startsWith('[Holdfast] x'))).toHaveLength(3);
  });

  test('in the clear only to this machine', async () => {
    const server = await start({ offersTls: false });
    const here = { security: 'none', user: undefined, passwordFile: undefined, caFile: undefined };
    await send(email(server.port, here), message, undefined);
    expect(server.mails[0]?.secure).toBe(false);
    expect(() => email(25, { ...here, host: 'mail.mairie.example' })).toThrow(
      /security: none only to this machine/,
    );
  });
});

interface Taken {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A listener that answers as told, and what it was asked. */
async function listener(
  answer: (taken: Taken) => { status: number; location?: string },
  tls = false,
): Promise<{ url: string; taken: Taken[] }> {
  const taken: Taken[] = [];
  const listen: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      taken.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      const { status, location } = answer(taken.at(-1) as Taken);
      response.writeHead(status, location === undefined ? {} : { location }).end('thank you');
    });
  };
  const server = tls
    ? createTlsServer(
        { cert: readFileSync(certificates.certFile), key: readFileSync(certificates.keyFile) },
        listen,
      )
    : createServer(listen);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, taken };
}

describe('a webhook', () => {
  const webhook = (url: string, changes: object = {}): ChannelConfig =>
    channel({ type: 'webhook', url, secretFile: join(folder, 'secret'), ...changes });

  test('gets JSON over TLS, signed with the shared secret', async () => {
    const { url, taken } = await listener(() => ({ status: 202 }), true);
    await send(webhook(`${url}/holdfast`, { caFile: certificates.caFile }), message, undefined);
    const [{ method, url: path, headers, body } = {} as Taken] = taken;
    expect([method, path]).toEqual(['POST', '/holdfast']);
    const { id, topic, subject, text, facts, at } = message;
    expect(JSON.parse(body)).toEqual({ v: 1, id, topic, at, subject, text, facts });
    const timestamp = String(headers['holdfast-timestamp']);
    expect(Math.abs(Number(timestamp) - Date.now() / 1_000)).toBeLessThan(60);
    const expected = createHmac('sha256', 'shared secret').update(`${timestamp}.${body}`).digest('hex');
    expect(headers).toMatchObject({ 'holdfast-signature': `sha256=${expected}`, 'holdfast-id': id });
    await expect(send(webhook(url), message, undefined)).rejects.toMatchObject({ name: 'Undelivered' });
    expect(taken).toHaveLength(1);
  });

  test('that answers otherwise did not take it', async () => {
    const { url } = await listener(() => ({ status: 503 }));
    await expect(send(webhook(url), message, undefined)).rejects.toMatchObject({ reason: 'HTTP 503' });
  });

  test('is followed on its own host only, and nowhere with another method', async () => {
    const elsewhere = await listener(() => ({ status: 200 }));
    const strays = await listener(() => ({ status: 308, location: `${elsewhere.url}/` }));
    await expect(send(webhook(strays.url), message, undefined)).rejects.toMatchObject({
      reason: 'redirected elsewhere',
    });
    expect(elsewhere.taken).toEqual([]);
    const found = await listener(() => ({ status: 302, location: '/new' }));
    await expect(send(webhook(found.url), message, undefined)).rejects.toMatchObject({ reason: 'HTTP 302' });
    const moved = await listener(({ url }) =>
      url === '/new' ? { status: 200 } : { status: 307, location: '/new' },
    );
    await send(webhook(moved.url), message, undefined);
    expect(moved.taken.map(({ method, url }) => [method, url])).toEqual([
      ['POST', '/'],
      ['POST', '/new'],
    ]);
    const loop = await listener(() => ({ status: 307, location: '/' }));
    await expect(send(webhook(loop.url), message, undefined)).rejects.toMatchObject({
      reason: 'redirected too often',
    });
  });

  /** A server whose connections do as they are told, and how many bytes it could write. */
  async function raw(answer: (socket: Socket) => void): Promise<{ url: string; written(): number }> {
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      socket.once('data', () => answer(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      written: () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    };
  }

  test('that hangs did not take it, and is not waited for', async () => {
    const silent = await raw(() => {});
    const request = { url: silent.url, method: 'POST', body: '{}', withinMs: 300 } as const;
    await expect(sendRequest(request)).rejects.toMatchObject({ reason: 'no answer in time' });
    const slow = await raw((socket) => {
      const drip = setInterval(() => socket.write('H'), 20);
      socket.on('close', () => clearInterval(drip));
    });
    await expect(sendRequest({ ...request, url: slow.url })).rejects.toMatchObject({ name: 'Undelivered' });
    const hangsUp = await raw((socket) => socket.destroy());
    await expect(send(webhook(hangsUp.url), message, undefined)).rejects.toMatchObject({
      reason: 'ECONNRESET',
    });
  });

  test('whose answer never ends took it, and is not read to its end', async () => {
    const endless = await raw((socket) => {
      const more = Buffer.alloc(65_536, 'x');
      const write = (): void => {
        while (!socket.destroyed && socket.write(more));
      };
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.on('drain', write);
      write();
    });
    await sendRequest({ url: endless.url, method: 'POST', body: '{}', withinMs: 2_000 });
    // What the sockets of both ends hold.
    expect(endless.written()).toBeLessThan(32 * 1024 * 1024);
    const dripping = await raw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const drip = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => clearInterval(drip));
    });
    await sendRequest({ url: dripping.url, method: 'POST', body: '{}', withinMs: 300 });
  });

  test('is https, except on this machine', () => {
    expect(() => webhook('http://hooks.mairie.example/')).toThrow(/https/);
    expect(webhook('https://hooks.mairie.example/').type).toBe('webhook');
  });
});

test('a dead man’s switch is asked for after a complete sweep, and for a failure after another one', async () => {
  const { url, taken } = await listener(() => ({ status: 200 }));
  const ping = channel({ type: 'ping', url: `${url}/0c5d7a?rid=1` });
  await send(ping, { ...message, topic: 'sweep_complete' }, undefined);
  await send(ping, { ...message, topic: 'sweep_incomplete' }, undefined);
  expect(taken.map(({ method, url: path, body }) => [method, path, body])).toEqual([
    ['GET', '/0c5d7a?rid=1', ''],
    ['GET', '/0c5d7a/fail?rid=1', ''],
  ]);
});

test('what lies beyond this machine is reached through the proxy, this machine is not', async () => {
  const proxy = await listener(() => ({ status: 200 }));
  const here = await listener(() => ({ status: 200 }));
  await send(channel({ type: 'ping', url: `${here.url}/here` }), message, proxy.url);
  expect([here.taken.length, proxy.taken.length]).toEqual([1, 0]);
  // A proxy is asked for a tunnel: one that gives none is as good as none at all.
  const beyond = send(channel({ type: 'ping', url: 'https://ping.example/x' }), message, proxy.url);
  await expect(beyond).rejects.toMatchObject({ name: 'Undelivered' });
});
