import type { Client, ScheduleOptions } from '@temporalio/client';
import { expect, test } from 'vitest';
import { type ConfigFile, parseConfig } from '../../src/config.ts';
import { scheduleDigest } from '../../src/notify/schedule.ts';

/** The schedule that a configuration makes; undefined where it takes it away. */
async function scheduled(digest: NonNullable<ConfigFile['notifications']>['digest'], channels = 1) {
  let made: ScheduleOptions | undefined;
  const client = {
    schedule: {
      create: async (options: ScheduleOptions) => {
        made = options;
      },
      getHandle: () => ({ delete: async () => {} }),
    },
  } as unknown as Client;
  const ping = { name: 'beat', type: 'ping', url: 'https://ping.example/' };
  const config = parseConfig(
    JSON.stringify({
      ...{ version: 1, repository: 'd'.repeat(32), host: { id: 'b'.repeat(32) }, timezone: 'Africa/Douala' },
      sources: [{ name: 'docs', path: '/tmp' }],
      destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { days: 7 } }],
      notifications: { digest, channels: Array(channels).fill(ping) },
    }),
    'holdfast.yaml',
  );
  await scheduleDigest(client, config);
  return made?.spec;
}

test('a digest comes at a time of day in the zone of the configuration, daily or on one day of the week', async () => {
  const timezone = 'Africa/Douala';
  expect(await scheduled({ at: '07:05' })).toMatchObject({ cronExpressions: ['5 7 * * *'], timezone });
  expect(await scheduled({ every: 'week', at: '18:30', weekday: 'mon' })).toMatchObject({
    cronExpressions: ['30 18 * * 1'],
  });
  expect(await scheduled({ every: 'week', weekday: 'sun' })).toMatchObject({
    cronExpressions: ['0 7 * * 0'],
  });
});

test('none is made where it is off, or nobody would get it', async () => {
  expect(await scheduled('off')).toBeUndefined();
  expect(await scheduled({}, 0)).toBeUndefined();
});
