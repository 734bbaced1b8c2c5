import { OpaEngine } from '../../policy/opa-engine.ts';
import { restoreCommand } from '../../retention/mass-change.ts';
import { openRetained } from '../../retention/open.ts';
import { type PlannedStep, planRetention, type RetentionPlan } from '../../retention/plan.ts';
import { say } from '../../text/voice.ts';
import { bytes, localTime, printable } from '../output.ts';
import { pathFields } from '../rows.ts';
import { type Session, sessionConfig, withCatalog } from '../session.ts';
import { knownSources } from '../target.ts';

/** Versions that are named for people; a source may have millions. */
const mostNamed = 20;

/** Tells for each source what a run would do. */
export async function runRetentionPlan(
  session: Session,
  { source: wanted }: { readonly source?: string },
): Promise<void> {
  const config = sessionConfig(session);
  await withCatalog(session, async (catalog, where) => {
    const sources = await knownSources(catalog, wanted);
    const destinations = await openRetained(config, where);
    const policy = new OpaEngine({ socketPath: where.opaSocket, timeoutMs: 3_000 });
    try {
      for (const { id, name } of sources) {
        const report = new Report(session, name);
        report.end(await planRetention({ catalog, policy, destinations }, id, (step) => report.step(step)));
      }
    } finally {
      policy.close();
      for (const { store } of destinations.values()) store.close();
    }
  });
}

class Report {
  readonly #session: Session;
  readonly #source: string;
  readonly #named: string[] = [];
  #steps = 0;

  constructor(session: Session, source: string) {
    this.#session = session;
    this.#source = source;
  }

  step(step: PlannedStep): void {
    const { output } = this.#session;
    const source = this.#source;
    if (step.does === 'expire') {
      const { path, ...told } = step;
      output.value({ source, ...told, ...pathFields(path) });
      if (this.#named.length < mostNamed)
        this.#named.push(
          `  ${say('retention', 'as_it_was', { path: printable(path.toString('utf8')), at: localTime(step.observedAt) })}`,
        );
    } else output.value({ source, ...step });
    output.progress(say('retention', 'steps', { count: ++this.#steps, source: printable(source) }));
  }

  end(plan: RetentionPlan): void {
    const { output } = this.#session;
    const { retention, ...summary } = plan;
    const { pausedAt, pinnedAt } = retention;
    const restore = pinnedAt === null ? null : restoreCommand(this.#source, pinnedAt);
    output.value({ source: this.#source, summary: { ...summary, pausedAt, pinnedAt, restore } });
    output.line(`${printable(this.#source)}:`);
    if (pausedAt !== null && restore !== null)
      output.line(
        `  ${say('retention', 'paused', { at: localTime(pausedAt), restore, source: printable(this.#source) })}`,
      );
    for (const line of planLines(plan)) output.line(`  ${line}`);
    for (const line of this.#named) output.line(line);
    if (plan.expired > this.#named.length)
      output.line(`  ${say('retention', 'more', { count: plan.expired - this.#named.length })}`);
  }
}

function planLines({
  extended,
  expired,
  objects,
  bytes: sum,
  bytesNow,
  goneBy,
  kept,
  ...plan
}: RetentionPlan): string[] {
  const { legal_hold: held = 0, pinned = 0, unknown_class: unknown = 0 } = kept;
  const stays = Object.values(kept).reduce((total, count) => total + count, 0);
  return [
    say('retention', 'plan', { extended, stays, expired }),
    goneBy === null
      ? say('retention', 'no_object')
      : say('retention', 'objects_left', {
          objects,
          bytes: bytes(sum),
          now: bytes(bytesNow),
          at: localTime(goneBy),
        }),
    ...(plan.nextExpiry === null
      ? []
      : [say('retention', 'next_expiry', { at: localTime(plan.nextExpiry) })]),
    ...(held > 0 ? [say('retention', 'held', { count: held })] : []),
    ...(pinned > 0 ? [say('retention', 'pinned', { count: pinned })] : []),
    ...(unknown > 0 ? [say('retention', 'unknown_class', { count: unknown })] : []),
    ...plan.keptAlive.map(({ destination, packs, bytes: count }) =>
      say('retention', 'packs', { destination: printable(destination), packs, bytes: bytes(count) }),
    ),
  ];
}
