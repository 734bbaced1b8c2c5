import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import { Failure } from '../../domain/failures.ts';
import type { Installation } from '../../installation.ts';
import { rescanScheduleId, sweepScheduleId, verifySampleId } from '../../temporal/names.ts';
import { say } from '../../text/voice.ts';
import { localTime, printable, table } from '../output.ts';
import { type Session, unlock, withCatalog, withTemporal } from '../session.ts';

/** What recurs by itself: sweeps by their source's name, the samples that are verified, and rescans. */
export async function runScheduleList(session: Session): Promise<void> {
  await withSchedules(session, async (client, names) => {
    const { output } = session;
    const rows: string[][] = [];
    for (const [name, id] of names) {
      const found = await describe(client, id);
      if (found === undefined) continue;
      const next = found.info.nextActionTimes[0];
      const last = found.info.recentActions.at(-1)?.takenAt;
      const { paused, note } = found.state;
      const times = { next: next?.toISOString() ?? null, last: last?.toISOString() ?? null };
      output.value({ name, paused, ...times });
      const when = paused
        ? say('schedules', 'paused', { note: note ? say('schedules', 'note', { note: pausedBy(note) }) : '' })
        : next
          ? say('schedules', 'next', { at: localTime(next) })
          : '';
      rows.push([
        printable(name),
        when,
        last ? say('schedules', 'last', { at: localTime(last) }) : say('schedules', 'not_yet'),
      ]);
    }
    output.line(rows.length > 0 ? table(rows) : say('schedules', 'nothing'));
  });
}

/**
 * Pauses or resumes what is scheduled, by its name or that of a source whose sweeps are meant. Failure `schedule_unknown`.
 */
export async function runSchedulePause(session: Session, given: string, paused: boolean): Promise<void> {
  await withSchedules(session, async (client, names) => {
    const name = names.has(given) ? given : sweepName(given);
    const id = names.get(name);
    if (id === undefined || (await describe(client, id)) === undefined)
      throw new Failure('schedule_unknown', { name: given });
    const handle = client.schedule.getHandle(id);
    await (paused ? handle.pause(`by ${session.actor}`) : handle.unpause());
    session.output.value({ name, paused });
    session.output.line(
      `${printable(name)} ${paused ? say('schedules', 'is_paused') : say('schedules', 'goes_on')}.`,
    );
  });
}

/** The note of a pause of ours names who paused it; one that somebody made in the Web UI says what it says. */
function pausedBy(note: string): string {
  const actor = note.startsWith('by ') ? note.slice('by '.length) : undefined;
  return actor === undefined ? printable(note) : say('schedules', 'by', { actor: printable(actor) });
}

async function withSchedules(
  session: Session,
  work: (client: Client, names: ReadonlyMap<string, string>) => Promise<void>,
): Promise<void> {
  const installation = await unlock(session);
  await withCatalog(session, (_, where) =>
    withTemporal(installation, where, (client) => work(client, scheduleNames(installation))),
  );
}

const sweepName = (source: string): string => `sweep ${source}`;

/** Ids by the names people know: `sweep <source>`, `verify` and `rescan`. */
function scheduleNames({ config, ids }: Installation): Map<string, string> {
  const sweeps = config.sources.map(
    ({ name }) => [sweepName(name), sweepScheduleId(ids.source(name))] as const,
  );
  return new Map([...sweeps, ['verify', verifySampleId], ['rescan', rescanScheduleId]]);
}

async function describe(client: Client, id: string) {
  try {
    return await client.schedule.getHandle(id).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}
