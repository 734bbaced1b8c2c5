import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { Ids } from '../../src/domain/ids.ts';
import { isCron } from '../../src/sweep/cron.ts';
import { scheduleSweeps } from '../../src/sweep/schedule.ts';
import { sweepScheduleId } from '../../src/temporal/names.ts';
import { clientOf, useTemporal } from '../support/temporal.ts';

const temporal = useTemporal();

const config = (sources: string) =>
  parseConfig(
    `
version: 1
repository: ${'d'.repeat(32)}
host: { id: ${'b'.repeat(32)} }
sources: ${sources}
destinations: [{ name: primary, bucket: bucket, lock: { days: 7 } }]`,
    'holdfast.yaml',
  );

const taken = [
  ...[
    '30 1 * * *',
    '0 */6 * * *',
    '0,30 8-17 * * 1-5',
    '15 2 1 1,7 *',
    '0 3 * * sun',
    '0 3 * JAN-mar mon-fri',
  ],
  ...['0-58/2 * * * *', '5 4 */2 * 7', '5/10 * * * *'],
];
const refused = [
  ...[
    '99 1 * * *',
    'bla bla bla',
    '* * * *',
    '0 24 * * *',
    '0 0 0 * *',
    '0 0 * 13 *',
    '0 0 * * 8',
    '0 0 * * *-2',
  ],
  ...[
    '5-1 * * * *',
    '*/0 * * * *',
    '',
    '0 0 * * mon-xyz',
    '@every 1h',
    '0 0 0 1 1 *',
    '1,, * * * *',
    '-1 * * * *',
  ],
];

test('what counts as a cron line is what a schedule takes', async () => {
  expect(taken.filter((line) => !isCron(line))).toEqual([]);
  expect(refused.filter(isCron)).toEqual([]);
  const client = clientOf(temporal());
  for (const [index, cron] of taken.entries()) {
    const scheduleId = `sweep-schedule:${index}`;
    const handle = await client.schedule.create({
      ...{ scheduleId, spec: { cronExpressions: [cron], timezone: 'Africa/Douala' } },
      action: { type: 'startWorkflow', workflowType: 'sweepOnSchedule', args: [], taskQueue: 'files' },
    });
    expect((await handle.describe()).info.nextActionTimes.length, cron).toBeGreaterThan(0);
    await handle.delete();
  }
});

test('each source has one schedule as it is configured; paused stays paused, off is none, and none begins over another', async () => {
  const client = clientOf(temporal());
  const ids = new Ids(Buffer.alloc(64, 1));
  const configured = (sweep: string) => config(`[{ name: docs, path: /srv/docs, sweep: ${sweep} }]`);
  const schedule = client.schedule.getHandle(sweepScheduleId(ids.source('docs')));
  await scheduleSweeps(client, configured('{ every: 6h, jitter: 5m }'), ids);
  const { spec, policies } = await schedule.describe();
  expect(spec).toMatchObject({ intervals: [{ every: 21_600_000 }], jitter: 300_000 });
  expect(policies.overlap).toBe('SKIP');
  await schedule.pause();
  await scheduleSweeps(client, configured('{ cron: 30 1 * * *, timezone: Africa/Douala }'), ids);
  const changed = await schedule.describe();
  expect(changed.state.paused).toBe(true);
  expect(changed.spec).toMatchObject({ timezone: 'Africa/Douala', intervals: [], jitter: 600_000 });
  expect(changed.info.nextActionTimes[0]?.toISOString()).toMatch(/T00:[34]\d:/);
  await scheduleSweeps(client, configured('off'), ids);
  await expect(schedule.describe()).rejects.toThrow(/not found/i);
});

test('when a source is swept is read strictly, and what is wrong is said', () => {
  const swept = (sweep: string) => () =>
    config(`[{ name: docs, path: /srv/docs, sweep: ${sweep} }]`).sources[0]?.sweep;
  expect(swept('{ cron: 30 1 * * *, timezone: Africa/Douala }')()).toMatchObject({ cron: '30 1 * * *' });
  expect(swept('{ every: 6h }')()).toMatchObject({ every: 21_600_000, jitter: 600_000 });
  expect(swept('{ cron: 99 1 * * *, timezone: Africa/Douala }')).toThrow(/sources.0.sweep.cron: five fields/);
  expect(swept('{ cron: 30 1 * * *, timezone: Africa/Duala }')).toThrow(/timezone: an IANA time zone/);
  expect(swept('{ cron: 30 1 * * * }')).toThrow(/sweep: off, or `every`.*`timezone`/);
  expect(swept('{ every: 0s }')).toThrow(/sweep.every: at least 1s/);
});
