import { supervisorStop } from '../../stack/control.ts';
import { say } from '../../text/voice.ts';
import type { Session } from '../session.ts';

/** Stops every service in reverse order; state and data stay. */
export async function runDown(session: Session): Promise<void> {
  session.output.note(say('status', 'stopping'));
  const result = await supervisorStop(session.paths);
  session.output.result({ result }, () =>
    result === 'stopped' ? say('status', 'stopped') : say('status', 'nothing_ran'),
  );
}
