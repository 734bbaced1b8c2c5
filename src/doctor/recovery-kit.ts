import { kitHolder } from '../keys/open-keyring.ts';
import { verifiedKit } from '../keys/verify-kit.ts';
import { readRootHeader } from '../sealed/keyring.ts';
import { type Check, ok } from './check.ts';

/** Whether the recovery kit on paper was proved to work since it was made. */
export const recoveryKit: Check = {
  name: 'recovery-kit',
  async look({ catalog, documents }) {
    const generation = Math.max(
      0,
      ...documents
        .filter(({ name }) => name.startsWith('keys/root/'))
        .map(({ bytes }) => readRootHeader(bytes))
        .filter(({ holder }) => holder === kitHolder)
        .map((header) => header.generation),
    );
    if (generation === 0) {
      return [
        {
          state: 'warning',
          what: 'There is no recovery kit.',
          means: 'If the password is lost, so is everything.',
          todo: 'holdfast key add-holder recovery-kit',
        },
      ];
    }
    const kit = await verifiedKit(await catalog());
    if (kit?.generation === generation)
      return [ok(`The recovery kit was verified on ${kit.at.toISOString().slice(0, 10)}.`)];
    return [
      {
        state: 'warning',
        what:
          kit === undefined
            ? 'The recovery kit was never verified.'
            : 'The newest recovery kit was never verified.',
        means: 'Nobody knows whether the key on paper opens what lies in the bucket.',
        todo: 'Take the printed kit and run: holdfast key verify-kit',
      },
    ];
  },
};
