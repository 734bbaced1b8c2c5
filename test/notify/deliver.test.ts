/** What becomes of one message, try by try: a real catalog, a real SMTP server, real HTTP listeners. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openIncident } from '../../src/audit/incident.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { incidentById } from '../../src/catalog/incident-query.ts';
import { addNotifications, channelTroubles, notificationById } from '../../src/catalog/notification-query.ts';
import { parseConfig } from '../../src/config.ts';
import { fewestTries, type Topic } from '../../src/domain/notifications.ts';
import { type DeliverDeps, deliverNotification } from '../../src/notify/deliver.ts';
import { MailServer, mailPassword, mailUser } from '../support/mail-server.ts';
import { makeWorld } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { type Certificates, makeCertificates } from '../support/tls.ts';

const server = usePostgres();
let folder: string;
let certificates: Certificates;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-deliver-'));
  certificates = makeCertificates(folder, 'localhost');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A mailbox and a dead man's switch, and what hands messages over to them. */
async function start() {
  const world = await makeWorld(server());
  const mail = await MailServer.start(certificates);
  const passwordFile = join(folder, `password-${mail.port}`);
  writeFileSync(passwordFile, mailPassword);
  const pinged: (string | undefined)[] = [];
  const listener = createServer((request, response) => {
    pinged.push(request.url);
    response.end();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await mail.stop();
    listener.close();
  });
  const config = parseConfig(
    JSON.stringify({
      ...{ version: 1, repository: 'd'.repeat(32), host: { id: 'b'.repeat(32) } },
      sources: [{ name: 'docs', path: '/tmp' }],
      destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { days: 7 } }],
      notifications: {
        channels: [
          {
            ...{ name: 'officer', type: 'email', host: '127.0.0.1', port: mail.port },
            ...{ user: mailUser, passwordFile, caFile: certificates.caFile },
            ...{ from: 'holdfast@mairie.example', to: ['claire@mairie.example'] },
          },
          {
            ...{ name: 'beat', type: 'ping' },
            url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`,
          },
        ],
      },
    }),
    'holdfast.yaml',
  );
  const { catalog, context } = world;
  const deps: DeliverDeps = {
    ...{ catalog, config, ids: context.ids, hostId: 'host' },
    log: pino({ level: 'silent' }),
  };
  return {
    ...{ world, mail, pinged, catalog, deps, passwordFile },
    /** Writes down a message that is so old. */
    async message(channel: string, topic: Topic, age: string, subject = 'x'): Promise<string> {
      const id = context.ids.notification(topic, subject, age, channel);
      const facts = { phase: 'begun', count: 3 };
      const recipient = topic === 'breach_notice' ? { recipient: 'notification@authority.example' } : {};
      await catalog.transaction((rows) =>
        addNotifications(rows, [{ id, channel, topic, subject, facts, ...recipient }]),
      );
      await world.asOwner(
        `update notifications set created_at = now() - interval '${age}' where id = '${id}'`,
      );
      return id;
    },
    /** One try, by a process that is killed before it can write down what became of it where `killed`. */
    deliver: (notificationId: string, killed = false) =>
      deliverNotification(killed ? { ...deps, catalog: unwritable(catalog) } : deps, { notificationId }),
  };
}

/** The catalog of a process that ends before it writes anything more. */
const unwritable = (catalog: Catalog): Catalog =>
  new Proxy(catalog, {
    get(target, name) {
      if (name === 'transaction') return () => Promise.reject(new Error('killed'));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

test('what was taken just before its process was killed is sent again under the same Message-ID, and then no more', async () => {
  const { catalog, mail, message, deliver } = await start();
  const id = await message('officer', 'files_failed', '1 minute');
  await expect(deliver(id, true)).rejects.toThrow('killed');
  expect(await notificationById(catalog, id)).toMatchObject({ state: 'waiting', attempts: 0 });
  expect(await deliver(id)).toEqual({ next: 'delivered', state: 'sent' });
  expect(await deliver(id)).toEqual({ next: 'delivered', state: 'sent' });
  expect(mail.mails.map(({ messageId }) => messageId)).toEqual([`<${id}@holdfast>`, `<${id}@holdfast>`]);
  expect(await notificationById(catalog, id)).toMatchObject({ state: 'sent', attempts: 1 });
});

test('a notice that was taken just before its process was killed counts as given once it is sent again, once', async () => {
  const { catalog, mail, message, deliver, world } = await start();
  const { incident, event } = openIncident(world.context.ids, {
    ...{ kind: 'infection', subject: 'x', run: 'run', host: 'host', facts: {} },
  });
  await catalog.write({ incident, events: [event] });
  const id = await message('officer', 'breach_notice', '1 minute', incident.id);
  await expect(deliver(id, true)).rejects.toThrow('killed');
  expect(await incidentById(catalog, incident.id)).toMatchObject({ state: 'open' });
  // Also where two tries of it end at the same time.
  await Promise.all([deliver(id), deliver(id)]);
  expect(await incidentById(catalog, incident.id)).toMatchObject({
    state: 'notified',
    notifiedMeans: 'mail',
  });
  const told = await catalog.rows(
    `select 1 from audit_events where event -> 'facts' ->> 'action' = 'notify'`,
  );
  expect(told).toHaveLength(1);
  expect(new Set(mail.mails.map(({ messageId }) => messageId))).toEqual(new Set([`<${id}@holdfast>`]));
});

test('what a mail server refuses the password of waits, and goes out once the password is right', async () => {
  const { catalog, mail, message, deliver, passwordFile } = await start();
  writeFileSync(passwordFile, 'not the password');
  const id = await message('officer', 'files_failed', '1 minute');
  for (const attempts of [1, 2, 3]) {
    expect(await deliver(id)).toEqual({ next: 'delivered', state: 'waiting' });
    expect(await notificationById(catalog, id)).toMatchObject({ attempts, lastError: 'EAUTH 535' });
  }
  expect(await channelTroubles(catalog, ['officer'])).toEqual([
    { channel: 'officer', count: 1, lastError: 'EAUTH 535' },
  ]);
  writeFileSync(passwordFile, mailPassword);
  expect(await deliver(id)).toEqual({ next: 'delivered', state: 'sent' });
  expect(mail.mails).toHaveLength(1);
  expect(await channelTroubles(catalog, ['officer'])).toEqual([]);
});

test('days without power are no tries: a message is given up after days and many tries', async () => {
  const { catalog, mail, message, deliver, world } = await start();
  await mail.stop();
  const id = await message('officer', 'incident_opened', '4 days', await anIncident());
  // The machine is up before the network is.
  expect(await deliver(id)).toEqual({ next: 'delivered', state: 'waiting' });
  const tried = (times: number): Promise<void> =>
    world.asOwner(`update notifications set attempts = ${times} where id = '${id}'`);
  await tried(fewestTries - 2);
  expect(await deliver(id)).toEqual({ next: 'delivered', state: 'waiting' });
  expect(await deliver(id)).toEqual({ next: 'delivered', state: 'failed' });
  expect(await notificationById(catalog, id)).toMatchObject({ attempts: fewestTries });
  const young = await message('officer', 'files_failed', '2 days');
  await world.asOwner(`update notifications set attempts = 500 where id = '${young}'`);
  expect(await deliver(young)).toEqual({ next: 'delivered', state: 'waiting' });

  async function anIncident(): Promise<string> {
    const { incident, event } = openIncident(world.context.ids, {
      ...{ kind: 'infection', subject: 'y', run: 'run', host: 'host', facts: {} },
    });
    await catalog.write({ incident, events: [event] });
    return incident.id;
  }
});

test('a dead man’s switch is not told of a sweep of yesterday, and its channel is no trouble for that', async () => {
  const { catalog, pinged, message, deliver } = await start();
  const late = await message('beat', 'sweep_complete', '1 day');
  expect(await deliver(late)).toEqual({ next: 'delivered', state: 'failed' });
  expect(pinged).toEqual([]);
  expect(await notificationById(catalog, late)).toMatchObject({ lastError: 'too late for a ping' });
  expect(await channelTroubles(catalog, ['beat'])).toEqual([]);
  expect(await deliver(await message('beat', 'sweep_complete', '59 minutes'))).toMatchObject({
    state: 'sent',
  });
  expect(pinged).toEqual(['/']);
});
