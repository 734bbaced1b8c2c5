import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type ConfigFile, parseConfig } from '../../src/config.ts';
import { renderPolicyConfig } from '../../src/policy/render.ts';
import { connectionOf } from '../../src/stack/endpoints.ts';

const example = parse(
  readFileSync(join(import.meta.dirname, '../../holdfast.example.yaml'), 'utf8'),
) as ConfigFile;
type Destination = ConfigFile['destinations'][number];
const [first] = example.destinations as [Destination];

const configured = (...destinations: Destination[]) =>
  parseConfig(stringify({ ...example, destinations }), 'test');
const s3 = { endpoint: 'https://s3.example.net' };

describe('several destinations', () => {
  test('each may have a server of its own', () => {
    const config = configured(first, { ...first, name: 'second', s3 });
    const [one, other] = config.destinations;
    if (!one || !other) throw new Error('no destinations');
    expect(connectionOf(config, one)).toBe('embedded');
    expect(connectionOf(config, other)).toMatchObject({
      endpoint: 'https://s3.example.net',
      pathStyle: false,
    });
  });

  test.each([
    ['one name', { ...first, bucket: 'another-bucket' }, 'named twice'],
    ['one place', { ...first, name: 'second' }, 'one and the same place'],
  ])('two with %s are refused', (_, second, detail) => {
    expect(() => configured(first, second)).toThrow(detail);
  });

  test('one bucket name on two servers, or two prefixes of one bucket, are two places', () => {
    expect(
      configured(first, { ...first, name: 'b', s3 }, { ...first, name: 'c', prefix: 'c' }).destinations,
    ).toHaveLength(3);
  });

  test('the policy is told what holds for all of them: the weakest lock', () => {
    const strict: Destination = { ...first, name: 'b', prefix: 'b', lock: { mode: 'COMPLIANCE', days: 90 } };
    expect(renderPolicyConfig(configured(strict, first), []).lock).toEqual({ mode: 'GOVERNANCE', days: 7 });
  });
});
