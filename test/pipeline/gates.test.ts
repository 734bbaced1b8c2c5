import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { failing, postponed } from '../../activities/edge.ts';
import { Failure, type FailureCode } from '../../src/domain/failures.ts';
import { Gates } from '../../src/pipeline/gates.ts';
import { Busy } from '../../src/pipeline/semaphore.ts';

const log = pino({ level: 'silent' });
const never = new AbortController().signal;

describe('Gates', () => {
  test('one probe serves all who wait, and opens for all of them', async () => {
    let probes = 0;
    const gates = new Gates(() => async () => {
      if (++probes < 3) throw new Error('away');
    });
    await Promise.all(Array.from({ length: 50 }, () => gates.until('s3:primary', () => {}, never)));
    expect(probes).toBe(3);
    await gates.until('s3:primary', () => {}, never);
    expect(probes).toBe(4);
  });

  test('a dependency that is away keeps nobody from another', async () => {
    const gates = new Gates((dependency) => async () => {
      if (dependency === 's3:primary') throw new Error('away');
    });
    const aborting = new AbortController();
    const stuck = gates.until('s3:primary', () => {}, aborting.signal);
    await gates.until('opa', () => {}, never);
    aborting.abort(new Error('stopped'));
    await expect(stuck).rejects.toThrow('stopped');
  });

  test('slows down from try to try', async () => {
    const at: number[] = [];
    const gates = new Gates(() => async () => {
      at.push(performance.now());
      if (at.length < 4) throw new Error('away');
    });
    await gates.until('clamd', () => {}, never);
    const pauses = at.slice(1).map((moment, i) => moment - (at[i] ?? 0));
    expect(pauses[1]).toBeGreaterThan(1.5 * (pauses[0] ?? 0));
    expect(pauses[2]).toBeGreaterThan(1.5 * (pauses[1] ?? 0));
  });
});

describe("the activities' edge", () => {
  test.each<[FailureCode, string]>([
    ['catalog_unavailable', 'postgres'],
    ['s3_unavailable', 's3:'],
    ['policy_unavailable', 'opa'],
    ['scanner_unavailable', 'clamd'],
  ])('%s is an answer, not an error', (code, dependency) => {
    expect(postponed(new Failure(code), log)).toEqual({ next: 'unavailable', dependency });
  });

  test('a source that is away is named by its id', () => {
    const away = new Failure('source_unavailable', { detail: 'x', source: '0123' });
    expect(postponed(away, log)).toEqual({ next: 'unavailable', dependency: 'source:0123' });
  });

  test('a full process is an answer, too', () => {
    expect(postponed(new Busy(), log)).toEqual({ next: 'busy' });
  });

  test.each([
    [new Failure('lock_mismatch', { destination: 'd' }), 'lock_mismatch', true],
    [new Failure('s3_corrupt', { destination: 'd', reason: 'r' }), 's3_corrupt', false],
    [Object.assign(new Error("ENOENT: '/secret/path'"), { code: 'ENOENT' }), 'internal', false],
    ['a string', 'internal', false],
  ])('invariant 10: %s crosses as its code alone', (error, type, nonRetryable) => {
    let thrown: unknown;
    try {
      failing(error, log);
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toMatchObject({ type, message: type, nonRetryable });
    expect((thrown as Error).cause).toBeUndefined();
    expect(JSON.stringify(thrown)).not.toContain('secret');
  });
});
