import { writeBundle, writeBundleFolder } from '../../policy/bundle.ts';
import { unsignedBundle } from '../../policy/installed.ts';
import { say } from '../../text/voice.ts';
import { type Session, unlock } from '../session.ts';

/** Writes the policy of this installation, as rules, data and configuration are now. */
export async function runPolicyBundle(session: Session, { output: path }: { output: string }): Promise<void> {
  const bundle = await unsignedBundle(await unlock(session));
  const isFile = path.endsWith('.tar.gz');
  await (isFile ? writeBundle(bundle, path) : writeBundleFolder(bundle, path));
  session.output.result({ path, revision: bundle.revision }, () =>
    [
      say('policy', 'bundle_in', { revision: bundle.revision, path }),
      ...(isFile ? [] : [say('policy', 'sign_it', { path })]),
    ].join('\n'),
  );
}
