import { kitHolder } from '../keys/open-keyring.ts';
import { verifiedKit } from '../keys/verify-kit.ts';
import { readRootHeader } from '../sealed/keyring.ts';
import { say } from '../text/voice.ts';
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
          what: say('doctor', 'kit_none'),
          means: say('doctor', 'kit_none_means'),
          todo: 'holdfast key add-holder recovery-kit',
        },
      ];
    }
    const kit = await verifiedKit(await catalog());
    if (kit?.generation === generation)
      return [ok(say('doctor', 'kit_well', { day: kit.at.toISOString().slice(0, 10) }))];
    return [
      {
        state: 'warning',
        what: kit === undefined ? say('doctor', 'kit_unverified') : say('doctor', 'kit_newest_unverified'),
        means: say('doctor', 'kit_unverified_means'),
        todo: say('doctor', 'kit_unverified_todo'),
      },
    ];
  },
};
