import { supervisorStop } from '../../stack/control.ts';
import type { Session } from '../session.ts';

/** Stops every service in reverse order; state and data stay. */
export async function runDown(session: Session): Promise<void> {
  session.output.note('Stopping …');
  const result = await supervisorStop(session.paths);
  session.output.result({ result }, () =>
    result === 'stopped' ? 'Everything is stopped; state is kept.' : 'Nothing was running.',
  );
}
