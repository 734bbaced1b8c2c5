import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { type IncidentState, incidentClock, incidentStates } from '../../src/domain/incidents.ts';
import { incidentWarnings } from '../../src/incidents/standing.ts';

const hourMs = 3_600_000;
const detectedAt = new Date('2026-11-20T10:00:00Z');
const terms = { notifyWithinMs: 72 * hourMs, warnBeforeMs: 24 * hourMs };
const hoursLater = (hours: number): Date => new Date(detectedAt.getTime() + hours * hourMs);
const clock = (state: IncidentState, hours: number) =>
  incidentClock({ detectedAt, state }, terms, hoursLater(hours));

describe('the clock of an incident', () => {
  test('counts from the detection: told at once, a day before the end, and at the end', () => {
    expect(clock('open', 0)).toEqual({
      deadline: hoursLater(72),
      due: ['incident_opened'],
      nextAt: hoursLater(48),
    });
    expect(clock('open', 47.99).due).toEqual(['incident_opened']);
    expect(clock('open', 48)).toMatchObject({
      due: ['incident_opened', 'incident_warning'],
      nextAt: hoursLater(72),
    });
    expect(clock('open', 71.99).due).toHaveLength(2);
    expect(clock('open', 72)).toMatchObject({ nextAt: undefined });
    expect(clock('open', 72).due.at(-1)).toBe('incident_overdue');
  });

  test('is not stopped by acknowledging, only by notifying or closing', () => {
    for (const state of incidentStates) {
      const runs = state === 'open' || state === 'acknowledged';
      expect([state, clock(state, 80).due.length]).toEqual([state, runs ? 3 : 0]);
      expect([state, clock(state, 1).nextAt !== undefined]).toEqual([state, runs]);
    }
  });

  test('of one whose host has another time is told at once all the same', () => {
    expect(clock('open', -1)).toMatchObject({ due: ['incident_opened'], nextAt: hoursLater(48) });
  });
});

test('status and doctor say what waits to be notified, what is overdue, and whose clock nobody counts', () => {
  const config = parseConfig(
    JSON.stringify({
      ...{ version: 1, repository: 'd'.repeat(32), host: { id: 'b'.repeat(32) }, timezone: 'Africa/Douala' },
      sources: [{ name: 'docs', path: '/tmp' }],
      destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { days: 7 } }],
    }),
    'holdfast.yaml',
  );
  const clear = { open: 0, toNotify: 0, oldestDetectedAt: null, overdue: 0, unwatched: 0 };
  expect(incidentWarnings(clear, config, 'en')).toEqual([]);
  const waiting = { ...clear, open: 3, toNotify: 2, oldestDetectedAt: detectedAt };
  expect(incidentWarnings(waiting, config, 'en')).toEqual([
    '2 incidents are not notified yet, the first is due 2026-11-23 11:00:00 +01:00: holdfast incident list',
  ]);
  expect(incidentWarnings({ ...waiting, overdue: 1, unwatched: 1 }, config, 'fr')).toEqual([
    expect.stringMatching(/^1 incident devait être notifié avant le 2026-11-23 11:00:00 \+01:00/),
    expect.stringMatching(/^le délai de 1 incident n’est suivi par personne/),
  ]);
});
