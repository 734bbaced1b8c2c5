/**
 * From a detection to people's mailboxes: the pipeline's own steps, a real catalog, the real workflows on a real Temporal
 * server, and a real SMTP server. Time is skipped for the workflow, and the register is aged by as much.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createIncidentActivities } from '../../activities/incidents.ts';
import { createNotifyActivities } from '../../activities/notify.ts';
import { listedIncidents } from '../../src/catalog/incident-query.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { startWaiting } from '../../src/notify/start.ts';
import { controlQueue, incidentWorkflowId } from '../../src/temporal/names.ts';
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

function configured(port: number, changes: object = {}): Config {
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
        ],
        ...changes,
      },
    }),
    'holdfast.yaml',
  );
}

/** An installation's register, its mail, and a worker that sees to both. */
async function start() {
  const world = await makeWorld(server());
  const mail = await MailServer.start(certificates);
  onTestFinished(() => mail.stop());
  const config = configured(mail.port);
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
  let stop = await startWorker(temporal(), taskQueue, {}, { bundle });
  onTestFinished(() => stop());
  const client = clientOf(temporal());
  const deps = { catalog, client, taskQueue };
  return {
    ...{ world, mail, config, catalog, client, deps },
    /** What the worker does every few seconds. */
    next: () => startWaiting(deps, 'new'),
    /** Ends the process that has the workflows, and starts another. */
    async restart() {
      await stop();
      stop = await startWorker(temporal(), taskQueue, {}, { bundle });
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
    subject: '[Holdfast] Incident : logiciel malveillant dans un dossier protégé',
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
