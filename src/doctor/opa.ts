import { OpaEngine } from '../policy/opa-engine.ts';
import { say } from '../text/voice.ts';
import { type Check, ok } from './check.ts';

/** Earlier versions let a bundle's signature be bypassed. */
const leastVersion = [1, 21, 3];

/** Whether OPA answers, with a version whose bundle signatures can be believed, and by which bundle. */
export const opa: Check = {
  name: 'opa',
  async look({ endpoints }) {
    const engine = new OpaEngine({ socketPath: endpoints.opaSocket, timeoutMs: 3_000 });
    try {
      const { version, revision } = await engine.ping();
      if (isAtLeast(version, leastVersion))
        return [ok(say('doctor', 'opa_well', { version, revision: revision.slice(0, 16) }))];
      return [
        {
          state: 'problem',
          what: say('doctor', 'opa_old', { version, least: leastVersion.join('.') }),
          means: say('doctor', 'opa_old_means'),
          todo: say('doctor', 'opa_old_todo'),
        },
      ];
    } finally {
      engine.close();
    }
  },
};

/** Of versions like `1.22.2` or `1.22.2-dev`. What is no version is too old. */
export function isAtLeast(version: string, least: readonly number[]): boolean {
  const parts = version.replace(/^v/, '').split(/[.-]/).map(Number);
  for (const [i, wanted] of least.entries()) {
    const part = parts[i] ?? Number.NaN;
    if (Number.isNaN(part) || part < wanted) return false;
    if (part > wanted) return true;
  }
  return true;
}
