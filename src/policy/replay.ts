import type { ReplayRow } from '../catalog/policy-query.ts';
import { canonical } from '../domain/canonical.ts';
import type { AdmissionInput, AdmissionResult, ReleaseInput } from '../domain/records.ts';
import { openEvidence, questionAt } from '../pipeline/evidence.ts';
import type { PolicyEngine } from './engine.ts';

/** What of an admission matters to whoever reads the difference. */
const terms = ['classification', 'scope', 'retention', 'format', 'destinations'] as const;

/** One decision that would be another. */
export interface ReplayChange {
  readonly row: Pick<ReplayRow, 'versionId' | 'sourceName' | 'path' | 'gate' | 'destination' | 'at'>;
  readonly was: Judgement;
  readonly would: Judgement;
}

export interface Judgement {
  readonly allow: boolean;
  readonly reasons: readonly string[];
  /** Those terms of an admission that differ. */
  readonly terms?: Partial<Pick<AdmissionResult, (typeof terms)[number]>>;
}

export interface Replayed {
  readonly changes: readonly ReplayChange[];
  /** How many questions this host cannot open. */
  readonly unreadable: number;
}

/** Asks stored questions again, with one question to OPA for each gate, and tells which answers differ from the recorded ones. */
export async function replay(
  engine: Pick<PolicyEngine, 'admitMany' | 'releaseMany'>,
  keys: Parameters<typeof openEvidence>[0],
  rows: readonly ReplayRow[],
): Promise<Replayed> {
  const opened = new Map(
    [...new Set(rows.map(({ evidence }) => evidence))].map((e) => [e, openEvidence(keys, e)]),
  );
  const asked = rows.map((row) => {
    const questions = opened.get(row.evidence);
    return { row, input: questions && questionAt(questions, row).input };
  });
  const admissions = asked.filter(isAdmission);
  const releases = asked.filter(isRelease);
  const admitted = await engine.admitMany(admissions.map(({ input }) => input));
  const released = await engine.releaseMany(
    // What was asked before authorisations had a time is asked as of then.
    releases.map(({ row, input }) => ({ ...input, at: input.at ?? row.at.toISOString() })),
  );
  const changes = [
    ...admissions.map(({ row }, index) => {
      const would = admitted[index]?.result;
      return would && change(row, would, differingTerms(row.admission, would));
    }),
    ...releases.map(({ row }, index) => {
      const would = released[index]?.result;
      return would && change(row, would, []);
    }),
  ].filter((found) => found !== undefined);
  return { changes, unreadable: asked.length - admissions.length - releases.length };
}

interface Asked<Input> {
  readonly row: ReplayRow;
  readonly input: Input;
}

const isAdmission = (
  asked: Asked<AdmissionInput | ReleaseInput | undefined>,
): asked is Asked<AdmissionInput> => asked.input?.gate === 'admission';

const isRelease = (asked: Asked<AdmissionInput | ReleaseInput | undefined>): asked is Asked<ReleaseInput> =>
  asked.input?.gate === 'release';

function change(
  row: ReplayRow,
  would: { readonly allow: boolean; readonly reasons: readonly { id: string }[] },
  differing: readonly (typeof terms)[number][],
): ReplayChange | undefined {
  const idsBefore = row.reasons.map(({ id }) => id).sort();
  const ids = would.reasons.map(({ id }) => id).sort();
  if (row.allow === would.allow && idsBefore.join() === ids.join() && differing.length === 0)
    return undefined;
  const { versionId, sourceName, path, gate, destination, at } = row;
  const some = (all: object | null) =>
    differing.length === 0 || all === null
      ? {}
      : { terms: Object.fromEntries(differing.map((key) => [key, (all as AdmissionResult)[key]])) };
  return {
    row: { versionId, sourceName, path, gate, destination, at },
    was: { allow: row.allow, reasons: idsBefore, ...some(row.admission) },
    would: { allow: would.allow, reasons: ids, ...some(would) },
  };
}

/** Of two admissions that allow; what is denied has no terms that matter. */
function differingTerms(was: AdmissionResult | null, would: AdmissionResult): (typeof terms)[number][] {
  if (was === null || !would.allow) return [];
  return terms.filter((key) => !canonical(was[key]).equals(canonical(would[key])));
}
