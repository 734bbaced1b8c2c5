import { OpaEngine } from '../../policy/opa-engine.ts';
import { restoreCommand } from '../../retention/mass-change.ts';
import { openRetained } from '../../retention/open.ts';
import { type PlannedStep, planRetention, type RetentionPlan } from '../../retention/plan.ts';
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
        this.#named.push(`  ${printable(path.toString('utf8'))}, as it was on ${localTime(step.observedAt)}`);
    } else output.value({ source, ...step });
    output.progress(`${++this.#steps} steps of ${printable(source)}`);
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
        `  PAUSED since ${localTime(pausedAt)}: too much changed at once. Nothing expires or is deleted.\n` +
          `  The state before it comes back with: ${restore}\n` +
          `  When all is well: holdfast retention resume ${printable(this.#source)} --reason …\n` +
          '  If it went on, a run would do this:',
      );
    for (const line of planLines(plan)) output.line(`  ${line}`);
    for (const line of this.#named) output.line(line);
    if (plan.expired > this.#named.length)
      output.line(`  … ${plan.expired - this.#named.length} more: --json lists all`);
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
    `${extended} locks are extended; ${stays} versions stay, ${expired} expire.`,
    goneBy === null
      ? 'No object is left without a version.'
      : `${objects} objects (${bytes(sum)}) are left without a version: ${bytes(bytesNow)} go now, the last by ${localTime(goneBy)}.`,
    ...(plan.nextExpiry === null ? [] : [`Then the next version expires on ${localTime(plan.nextExpiry)}.`]),
    ...(held > 0 ? [`${held} versions are under a legal hold (holdfast legal-hold list).`] : []),
    ...(pinned > 0 ? [`${pinned} versions are pinned by the mass change.`] : []),
    ...(unknown > 0 ? [`${unknown} versions are of a class that the policy does not know: they stay.`] : []),
    ...plan.keptAlive.map(
      ({ destination, packs, bytes: count }) =>
        `In ${printable(destination)}, ${packs} packs keep ${bytes(count)} that nothing needs: a pack goes when all of it may.`,
    ),
  ];
}
