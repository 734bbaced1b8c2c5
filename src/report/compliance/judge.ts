import type { QueryName } from '../queries/all.ts';
import type { Control } from './mapping.ts';

/** What the numbers say of a control. `unknown`: it cannot be said. */
export const controlStates = ['met', 'met_with_exceptions', 'not_met', 'not_applicable', 'unknown'] as const;
export type ControlState = (typeof controlStates)[number];

/**
 * How a control stands by its numbers. What is known to be wrong weighs more than what nobody knows, and that more than
 * an exception.
 */
export function judgedControl(
  { queries }: Pick<Control, 'queries'>,
  countOf: (name: QueryName) => number,
): ControlState {
  const passed = (role: Control['queries'][number]['as']): boolean =>
    queries.some(({ name, as, threshold }) => as === role && countOf(name) > threshold);
  const isShort = queries.some(({ name, as, threshold }) => as === 'required' && countOf(name) < threshold);
  const basis = queries.filter(({ as }) => as === 'basis');
  if (basis.length > 0 && basis.every(({ name }) => countOf(name) === 0)) return 'not_applicable';
  if (passed('failure') || isShort) return 'not_met';
  if (passed('doubt')) return 'unknown';
  return passed('exception') ? 'met_with_exceptions' : 'met';
}
