import { expect, test } from 'vitest';
import { expectNoHarm } from './fuzz/run.ts';

test('two seconds of hostile bytes are refused, each with its reason', async () => {
  const { outcomes } = await expectNoHarm(2, 1_000);
  // All of these are frequent: one that is missing says that the cases no longer reach the reader.
  expect(Object.keys(outcomes)).toEqual(
    expect.arrayContaining([
      ...['altered: tampered', 'altered: unsupported_format', 'lying source: tampered'],
      ...['forged: opened', 'forged: tampered', 'forged: unsupported_format'],
      ...['metadata: opened', 'metadata: unsupported_format'],
      ...['scope: corrupted_keyring', 'scope plaintext: corrupted_keyring'],
      ...['altered manifest: tampered', 'forged manifest: opened', 'forged manifest: unsupported_format'],
      ...['altered pack: tampered', 'altered pack: opened', 'forged pack: opened', 'forged pack: tampered'],
      'forged pack: unsupported_format',
      ...['altered message: unsupported_format', 'forged message: opened', 'forged message: tampered'],
    ]),
  );
});
