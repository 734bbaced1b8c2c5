import { expect, test } from 'vitest';
import { expectNoHarm } from '../sealed/fuzz/run.ts';

/** HOLDFAST_FUZZ_SECONDS sets how long, HOLDFAST_FUZZ_SEED the case to begin with. */
const seconds = Number(process.env.HOLDFAST_FUZZ_SECONDS ?? 60);

test(
  'hostile bytes are refused, each with its reason',
  async () => {
    const { outcomes } = await expectNoHarm(seconds, 20_000);
    expect(Object.keys(outcomes)).toEqual(
      expect.arrayContaining([
        'altered: unknown_key',
        'altered manifest: unknown_key',
        'root: hostile_keyring',
      ]),
    );
  },
  1_000 * seconds + 120_000,
);
