import { namedQueries, type QueryName } from '../queries/all.ts';
import type { CountedRow } from '../queries/ask.ts';
import type { ComplianceReport } from './gather.ts';

/** The command that counts again, for the very same period. */
export function recount(name: string, { from, to }: Pick<ComplianceReport, 'from' | 'to'>): string {
  return `holdfast report query ${name} --from ${from.toISOString()} --to ${to.toISOString()}`;
}

/** What brings about what a control requires; undefined where no single command does. */
const remedies: Readonly<Partial<Record<QueryName, string>>> = {
  restore_tests: 'holdfast verify --read-data',
  verifications: 'holdfast verify',
  audit_verifications: 'holdfast audit verify',
  audit_anchors: 'holdfast status',
  sweeps: 'holdfast sweep --wait',
  last_sweeps: 'holdfast sweep --wait',
  restores: 'holdfast restore <source> --to <folder>',
};

/** The command to run where a required number is too small; undefined where it is not, or none helps. */
export function remedy({
  name,
  as,
  value,
  threshold,
}: ComplianceReport['controls'][number]['numbers'][number]): string | undefined {
  return as === 'required' && value < threshold ? remedies[name] : undefined;
}

/** The command that shows more of a row; undefined where there is none. */
export function lookAt(name: QueryName, { id, at }: CountedRow): string | undefined {
  switch (namedQueries[name].of) {
    case 'version':
      return `holdfast show ${id}`;
    case 'incident':
      return `holdfast incident show ${id}`;
    case 'run':
      return `holdfast run show ${id}`;
    case 'hold':
      return `holdfast hold show ${id}`;
    case 'event':
      return at === null
        ? undefined
        : `holdfast audit export --from ${at.toISOString()} --to ${at.toISOString()}`;
    default:
      return undefined;
  }
}
