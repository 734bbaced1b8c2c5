import type { Decision, Id, ReleaseInput, ReleaseResult } from '../domain/records.ts';
import { type Destination, destinationOf, type PipelineContext } from '../pipeline/context.ts';
import { releaseInput, type ScannedVersion } from '../pipeline/policy-input.ts';
import { type Released, released } from '../pipeline/release.ts';
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
  const inputs: ReleaseInput[] = [];
  for (const { version, sealings } of wanted) {
    for (const [index, destination] of destinationsOf(context, version).entries()) {
      const sealing = sealings[index];
      if (sealing === undefined) throw new TypeError('a destination without a sealing');
      const asked = { name: destination.config.name, facts: await destination.facts() };
      inputs.push(releaseInput(towards(version, destination), asked, sealing));
    }
  }
  const decisions = await context.policy.releaseMany(inputs);
  let next = 0;
  const answers: Released[][] = [];
  for (const { version, sealings } of wanted) {
    const own: Released[] = [];
    for (const _ of sealings) {
      const input = inputs[next] as ReleaseInput;
      const decision = decisions[next++] as Decision<ReleaseResult>;
      own.push(
        await released(context, version, { input, decision, ordinal: used.get(version.id)?.asked ?? 0 }),
      );
    }
    answers.push(own);
  }
  return answers;
}

/** What the questions about a version leave in the trail. */
export function inTheTrail(answers: readonly Released[]) {
  return { decisions: answers.map(({ row }) => row), events: answers.map(({ event }) => event) };
}
