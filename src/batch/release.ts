import type { Id, ReleaseInput } from '../domain/records.ts';
import { type Destination, destinationOf, type PipelineContext } from '../pipeline/context.ts';
import type { ScannedVersion } from '../pipeline/policy-input.ts';
import { askRelease, type Released, releasedAll } from '../pipeline/release.ts';
import { towards } from '../pipeline/several.ts';
import type { UsedUp } from './content-query.ts';

/** What release is to judge about one version: how it is sealed, for each of its destinations. */
export interface ToRelease {
  readonly version: ScannedVersion;
  readonly sealings: readonly ReleaseInput['sealing'][];
}

export function destinationsOf(context: PipelineContext, { admission }: ScannedVersion): Destination[] {
  return admission.destinations.map((name) => destinationOf(context, name));
}

/**
 * Step 6, one question for all: the answers by version, one for each destination in the order of
 * {@link destinationsOf}.
 */
export async function releaseAll(
  context: PipelineContext,
  wanted: readonly ToRelease[],
  used: ReadonlyMap<Id, UsedUp>,
): Promise<Released[][]> {
  const asked = wanted.flatMap(({ version, sealings }) =>
    destinationsOf(context, version).map((destination, index) => {
      const sealing = sealings[index];
      if (sealing === undefined) throw new TypeError('a destination without a sealing');
      const ordinal = used.get(version.id)?.asked ?? 0;
      return { version: towards(version, destination), destination, sealing, ordinal };
    }),
  );
  const answers = await releasedAll(context, await askRelease(context, asked));
  const byVersion = Map.groupBy(answers, ({ row }) => row.versionId);
  return wanted.map(({ version }) => byVersion.get(version.id) ?? []);
}

/** What the questions about a version leave in the trail. */
export function inTheTrail(answers: readonly Released[]) {
  return { decisions: answers.map(({ row }) => row), events: answers.map(({ event }) => event) };
}
