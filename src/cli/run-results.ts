import type { RunResult } from '../catalog/catalog.ts';

/** What `runs --result` takes, and the result in the run log; null for a run that has not ended. */
export const runResults: Readonly<Record<string, RunResult | null>> = {
  complete: 'complete',
  warnings: 'complete with warnings',
  incomplete: 'incomplete',
  failed: 'failed',
  interrupted: 'interrupted',
  running: null,
};
