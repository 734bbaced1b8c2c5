/**
 * From a detection to people's mailboxes: the pipeline's own steps, a real catalog, the real workflows on a real Temporal
 * server, and a real SMTP server. Time is skipped for the workflow, and the register is aged by as much.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createIncidentActivities } from '../../activities/incidents.ts';
import { createNotifyActivities } from '../../activities/notify.ts';
import { auditEvent } from '../../src/audit/event.ts';
import { openIncident } from '../../src/audit/incident.ts';
import { actOnIncident, incidentById, listedIncidents } from '../../src/catalog/incident-query.ts';
import {
  addNotifications,
  listedNotifications,
  type Notification,
} from '../../src/catalog/notification-query.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { lookAtIncident } from '../../src/incidents/look-at-incident.ts';
import { compose } from '../../src/notify/compose.ts';
import { startWaiting } from '../../src/notify/start.ts';
import { controlQueue, incidentWorkflowId, notificationWorkflowId } from '../../src/temporal/names.ts';
import { incidentChangedSignal, stateQuery } from '../../workflows/messages.ts';
import { MailServer, mailPassword, mailUser } from '../support/mail-server.ts';
import { makeWorld, protectOnce } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { skipSignal } from '../support/skip-signal.ts';
import { clientOf, runWorker, startWorker, useTemporal } from '../support/temporal.ts';
import { type Certificates, makeCertificates } from '../support/tls.ts';
import { until } from '../support/until.ts';

const server = usePostgres();
const temporal = useTemporal();
const hourMs = 3_600_000;
let folder: string;
let certificates: Certificates;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-breach-'));
  certificates = makeCertificates(folder, 'mail.mairie.example');
  writeFileSync(join(folder, 'password'), `${mailPassword}\n`, { mode: 0o600 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function configured(port: number, other?: object): Config {
  return parseConfig(
    JSON.stringify({
      version: 1,
      repository: 'd'.repeat(32),
      host: { id: 'b'.repeat(32) },
      sources: [{ name: 'docs', path: '/tmp' }],
      destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { days: 7 } }],
      language: 'fr',
      timezone: 'Africa/Douala',
      breaches: {
        organisation: 'Mairie de Bonaberi',
        authority: { name: 'Autorité', email: 'notification@authority.example' },
      },
      notifications: {
        channels: [
          {
            ...{ name: 'officer', type: 'email', host: '127.0.0.1', port, caFile: certificates.caFile },
            ...{ user: mailUser, passwordFile: join(folder, 'password') },
            ...{ from: 'holdfast@mairie.example', to: ['claire@mairie.example'] },
          },
          ...(other === undefined ? [] : [other]),
        ],
      },
    }),
    'holdfast.yaml',
  );
}

/**
 * A webhook on a port where nobody listens before `listen` is called, which gives the ids of what it takes: nothing before
 * `mend` is called.
 */
async function unreachedHook() {
  const taken: string[] = [];
  let isBroken = true;
  const listener = createServer((request, response) => {
    if (!isBroken) taken.push(String(request.headers['holdfast-id']));
    request.resume().on('end', () => response.writeHead(isBroken ? 500 : 200).end());
  });
  const listen = (port: number): Promise<number> =>
    new Promise((resolve) =>
      listener.listen(port, '127.0.0.1', () => resolve((listener.address() as AddressInfo).port)),
    );
  const port = await listen(0);
  await new Promise((resolve) => listener.close(resolve));
  onTestFinished(() => {
    listener.close();
  });
  const secretFile = join(folder, 'password');
  return {
    channel: { name: 'hook', type: 'webhook', url: `http://127.0.0.1:${port}/`, secretFile },
    async listen(): Promise<readonly string[]> {
      await listen(port);
      return taken;
    },
    mend() {
      isBroken = false;
    },
  };
}

/** An installation's register, its mail, and a worker that sees to both. */
async function start(options: { readonly hook?: boolean } = {}) {
  const world = await makeWorld(server());
  const mail = await MailServer.start(certificates);
  onTestFinished(() => mail.stop());
  const hook = await unreachedHook();
  const config = configured(mail.port, options.hook ? hook.channel : undefined);
  const { catalog, context } = world;
  const log = pino({ level: 'silent' });
  const { notifyWithin, warnBefore } = config.breaches;
  const activities = {
    ...createIncidentActivities(
      {
        ...{ catalog, ids: context.ids, channels: async () => config.notifications.channels },
        terms: { notifyWithinMs: notifyWithin, warnBeforeMs: warnBefore },
      },
      log,
    ),
    ...createNotifyActivities({ catalog, config, ids: context.ids, hostId: 'host', log }),
  };
  const taskQueue = `files.${randomUUID()}`;
  const bundle = await temporal().skipping();
  // One workflow after the other: activities share a queue of a fixed name.
  await runWorker(temporal(), controlQueue, activities);
  const another = () => startWorker(temporal(), taskQueue, {}, { bundle });
  let stop = await another();
  onTestFinished(() => stop());
  const client = clientOf(temporal());
  const deps = { catalog, client, taskQueue };
  return {
    ...{ world, mail, hook, catalog, client },
    /** Lets so much time pass for a message. */
    skipDelivery: (message: string, ms: number) =>
      client.workflow.getHandle(notificationWorkflowId(message)).signal(skipSignal, ms),
    /** What the worker does every few seconds; with `all` what it does first. */
    next: (which: 'new' | 'all' = 'new') => startWaiting(deps, which),
    /** Ends the process that has the workflows, and starts another, `meanwhile` is over. */
    async restart(meanwhile: () => Promise<void> = async () => {}) {
      await stop();
      await meanwhile();
      stop = await another();
    },
    /** Lets so much time pass for an incident. */
    async skip(id: string, ms: number) {
      await world.asOwner(`update incidents set detected_at = detected_at - interval '${ms} milliseconds'`);
      await client.workflow.getHandle(incidentWorkflowId(id)).signal(skipSignal, ms);
    },
    async mails(count: number) {
      await until(`${count} mails`, async () => {
        await startWaiting(deps, 'new');
        return mail.mails.length >= count;
      });
      expect(mail.mails).toHaveLength(count);
      return mail.mails;
    },
  };
}

test('an infected file is told within seconds, again a day before the time is over, and when it is; without its name, in the language of the installation', async () => {
  const { world, catalog, mails, skip, restart } = await start();
  world.knobs.verdict = {
    state: 'infected',
    signature: 'Eicar-Signature',
    engine: 'ClamAV',
    signatureRevision: '1',
    signaturesAt: '2026-11-01T00:00:00.000Z',
    signatureSet: 'official',
  };
  world.write('secret-names.doc', 'malware');
  await protectOnce(world.context, await world.entry('secret-names.doc'));
  const [incident] = await Array.fromAsync(listedIncidents(catalog, { closed: false }));
  expect(incident).toMatchObject({ kind: 'infection', state: 'open', openedBy: 'holdfast' });
  const id = incident?.id ?? '';

  const [opened] = await mails(1);
  expect(opened).toMatchObject({
    ...{ from: 'holdfast@mairie.example', to: ['claire@mairie.example'], secure: true, user: mailUser },
    subject:
      '[Holdfast] Incident\u00a0: logiciel malveillant dans un dossier protégé, source «\u00a0docs\u00a0»',
  });
  expect(opened?.text).toContain('Ce qui s’est passé');
  expect(opened?.text).toContain(`holdfast incident show ${id}`);
  expect(opened?.text).toMatch(/jusqu’au 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \+01:00/);
  expect(opened?.text).not.toContain('secret-names');

  await skip(id, 47 * hourMs);
  await restart();
  await skip(id, hourMs);
  const [, warning] = await mails(2);
  expect(warning?.subject).toContain(`pour notifier l’incident ${id.slice(0, 8)}`);
  expect(warning?.text).toContain(`holdfast incident notify ${id} --draft`);

  await skip(id, 24 * hourMs);
  const [, , overdue] = await mails(3);
  expect(overdue?.subject).toContain('EN RETARD');
}, 60_000);

test('notified and closed, the clock stands still; a notice that is sent says so in the register and the audit trail, and no closed incident is told of', async () => {
  const { world, catalog, mail, mails, skip, client, next } = await start();
  const { ids } = world.context;
  const id = ids.incident('policy_bypass', 'run');
  const { incident, event } = openIncident(ids, {
    ...{ kind: 'policy_bypass', subject: 'run', run: 'run', host: 'host' },
    facts: { what: 'approval_invalid' },
  });
  await catalog.write({ incident, events: [event] });
  await mails(1);
  // As the command does it: the message is written, and the worker sends it.
  const notice = ids.notification('breach_notice', id, 'command', 'officer');
  const recipient = 'notification@authority.example';
  const facts = { actor: 'claire', to: recipient };
  await catalog.transaction((rows) =>
    addNotifications(rows, [
      { id: notice, channel: 'officer', topic: 'breach_notice', subject: id, facts, recipient },
    ]),
  );
  const [, sent] = await mails(2);
  expect(sent).toMatchObject({ to: [recipient], secure: true });
  expect(sent?.text).toContain('Mairie de Bonaberi');
  expect(sent?.text).toContain('article 22');
  // What goes to the authority is no draft with gaps.
  expect(sent?.text).not.toMatch(/brouillon|\[/);
  await until('the register to say so', async () => (await incidentById(catalog, id))?.state === 'notified');
  expect(await incidentById(catalog, id)).toMatchObject({
    ...{ notifiedTo: recipient, notifiedMeans: 'mail', notifiedBy: 'claire' },
  });
  const told = await catalog.rows<{ actor: string; facts: object }>(
    `select event ->> 'actor' as actor, event -> 'facts' as facts from audit_events
     where event ->> 'subject' = $1 and event -> 'facts' ->> 'action' = 'notify'`,
    [id],
  );
  expect(told).toEqual([
    {
      actor: 'claire',
      facts: { action: 'notify', incident: id, to: recipient, means: 'mail', notification: notice },
    },
  ]);

  const handle = client.workflow.getHandle(incidentWorkflowId(id));
  await handle.signal(incidentChangedSignal);
  await until('the workflow to know', async () => (await handle.query(stateQuery)) === 'notified');
  await skip(id, 80 * hourMs);
  const close = { act: 'close', by: 'claire', reason: null } as const;
  const closed = auditEvent(ids, {
    ...{ subject: id, step: 'incident', among: 'close', run: 'run', host: 'host', actor: 'claire' },
    facts: { action: 'close', incident: id },
  });
  expect(await actOnIncident(catalog, id, close, closed)).toBe(true);
  expect(await actOnIncident(catalog, id, close, closed)).toBe(false);
  await handle.signal(incidentChangedSignal);
  expect(await handle.result()).toBe('closed');
  await next();
  expect(mail.mails).toHaveLength(2);
}, 60_000);

test('days without power: of an incident whose time was over meanwhile it is told at once, and only that', async () => {
  const { world, catalog, mails, skip, restart, next } = await start();
  const { incident, event } = openIncident(world.context.ids, {
    ...{ kind: 'tampering', subject: 'x', run: 'run', host: 'host', facts: {} },
  });
  await catalog.write({ incident, events: [event] });
  await mails(1);
  await restart(() => skip(incident.id, 80 * hourMs));
  const backAt = performance.now();
  await next('all');
  const [, overdue] = await mails(2);
  expect(overdue?.subject).toContain('EN RETARD');
  expect(performance.now() - backAt).toBeLessThan(20_000);
  expect((await listedNotifications(catalog, { limit: 10 })).map(({ topic }) => topic)).toEqual([
    'incident_overdue',
    'incident_opened',
  ]);
}, 60_000);

test('what several processes start at the same time, and again, is sent once', async () => {
  const { world, catalog, mail, mails, next } = await start();
  // Incidents of the same things have the same workflows, also those of another test.
  for (const subject of ['of several, x', 'of several, y', 'of several, z']) {
    const { incident, event } = openIncident(world.context.ids, {
      ...{ kind: 'tampering', subject, run: 'run', host: 'host', facts: {} },
    });
    await catalog.write({ incident, events: [event] });
  }
  const several = () => Promise.all([next('all'), next('all'), next()]);
  const messages = () => listedNotifications(catalog, { limit: 10 });
  await several();
  await until('messages', async () => (await messages()).length === 3);
  await several();
  await until('all to be sent', async () => (await messages()).every(({ state }) => state === 'sent'));
  await next('all');
  await mails(3);
  expect(new Set(mail.mails.map(({ messageId }) => messageId)).size).toBe(3);
}, 60_000);

test('one channel that is down keeps no other from delivering, and its message goes out once it is back', async () => {
  const { world, catalog, mails, skipDelivery, hook } = await start({ hook: true });
  const { ids } = world.context;
  const { incident, event } = openIncident(ids, {
    ...{ kind: 'audit_mismatch', subject: 'x', run: 'run', host: 'host', facts: {} },
  });
  await catalog.write({ incident, events: [event] });
  await mails(1);
  const waiting = () => listedNotifications(catalog, { state: 'waiting', limit: 10 });
  await until('a try of the other', async () => ((await waiting())[0]?.attempts ?? 0) >= 1);
  expect(await waiting()).toMatchObject([{ channel: 'hook', lastError: expect.stringMatching(/^E[A-Z]+$/) }]);
  const { id: message, attempts } = (await waiting())[0] ?? { id: '', attempts: 0 };
  expect(attempts).toBe(1);
  const taken = await hook.listen();
  // It is there again, and answers 500 for hours: a try each half an hour, once the pauses have grown.
  const tries = async () => (await waiting())[0]?.attempts ?? 0;
  for (let pause = 10_000, number = 2; number <= 14; number++, pause = Math.min(2 * pause, hourMs / 2)) {
    await skipDelivery(message, pause);
    await until(`try ${number}`, async () => (await tries()) >= number);
    expect(await tries()).toBe(number);
  }
  expect(await waiting()).toMatchObject([{ channel: 'hook', lastError: 'HTTP 500' }]);
  hook.mend();
  await skipDelivery(message, hourMs / 2);
  await until('the other to deliver', async () => (await waiting()).length === 0);
  expect(taken).toEqual([message]);
}, 60_000);

test('the eleventh of a kind within an hour is told as a number; rows whose process was killed get their workflows all the same', async () => {
  const world = await makeWorld(server());
  const { catalog, context } = world;
  const deps = {
    ...{ catalog, ids: context.ids, terms: { notifyWithinMs: 72 * hourMs, warnBeforeMs: 24 * hourMs } },
    channels: async () => [{ name: 'officer', type: 'email' as const }],
  };
  for (let number = 0; number < 13; number++) {
    const { incident, event } = openIncident(context.ids, {
      ...{ kind: 'tampering', subject: `object ${number}`, run: 'run', host: 'host', facts: {} },
    });
    await catalog.write({ incident, events: [event] });
    const step = { incidentId: incident.id, nowMs: Date.now() };
    const answers = [await lookAtIncident(deps, step), await lookAtIncident(deps, step)];
    expect(answers.map(({ state }) => state)).toEqual(['open', 'open']);
  }
  // The process that would have started their workflows ends: the next one starts all of them.
  const lost = async (): Promise<never> => {
    throw new Error('killed');
  };
  const startBy = (start: (workflow: string) => Promise<unknown>) =>
    startWaiting({ catalog, taskQueue: 'files.x', client: { workflow: { start } } as never }, 'new');
  await expect(startBy(lost)).rejects.toThrow('killed');
  let started = 0;
  const order: string[] = [];
  await startBy(async (workflow: string) => {
    started++;
    order.push(workflow);
  });
  // Whoever is told first does not wait for every clock to be started.
  expect(order.indexOf('incident')).toBe(order.lastIndexOf('sendNotification') + 1);
  const messages = await listedNotifications(catalog, { limit: 100 });
  expect(started).toBe(13 + messages.length);
  await startBy(async () => started++);
  expect(started).toBe(13 + messages.length);

  const topics = Object.groupBy(messages, ({ topic }) => topic);
  expect(topics.incident_opened).toHaveLength(10);
  expect(topics.incidents_many?.length).toBeLessThanOrEqual(2);
  const many = await compose({ catalog, config: configured(25) }, topics.incidents_many?.[0] as Notification);
  expect(many.text).toContain('13 incidents de ce genre');
});
