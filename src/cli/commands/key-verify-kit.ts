import { recordVerifiedKit, verifyKit } from '../../keys/verify-kit.ts';
import { say } from '../../text/voice.ts';
import { withKeyDesk } from '../key-desk.ts';
import { readTypedKey } from '../password.ts';
import type { Session } from '../session.ts';

export interface VerifyKitOptions {
  readonly keyFile?: string;
  readonly keyFd?: number;
}

/** Proves that the recovery key on paper opens the keyring as it lies in every bucket; `doctor` warns until it has. */
export async function runKeyVerifyKit(session: Session, options: VerifyKitOptions): Promise<void> {
  const { output } = session;
  await withKeyDesk(session, async (desk) => {
    const typed = await readTypedKey({ file: options.keyFile, fd: options.keyFd });
    let proved: { generation: number } | undefined;
    for (const place of desk.places) {
      output.progress(say('setup', 'reading_keyring', { name: place.name }));
      const kit = await verifyKit(typed, desk.keyring, place);
      await recordVerifiedKit(desk.catalog, kit);
      proved = kit;
    }
    await desk.record('verify-kit', { generation: proved?.generation });
    const destinations = desk.places.map(({ name }) => name);
    output.result({ verified: true, generation: proved?.generation, destinations }, () =>
      say('setup', 'kit_opens', { names: destinations.join(', ') }),
    );
  });
}
