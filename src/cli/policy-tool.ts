import { toolchain } from '../stack/toolchain.ts';
import { detail } from '../text/voice.ts';
import type { Session } from './session.ts';

/** The OPA that bundles are tried in; built or found as for the embedded service. */
export function opaTool({ paths, uid, env, output }: Session): Promise<string> {
  return toolchain(paths, {
    uid,
    searchPath: env.PATH ?? '',
    onProgress: (line) => output.note(detail(line)),
  }).opa();
}
