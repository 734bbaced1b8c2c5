import type { VersionFacts } from '../catalog/catalog.ts';
import type { Change } from '../catalog/rows.ts';
import type { Changed } from '../domain/steps.ts';
import { ContentChanged } from '../files/segment-reader.ts';
import type { PipelineContext } from './context.ts';
import { abandon } from './settle.ts';

/**
 * Runs the work on a version's content; if the file turns out to have changed, the version ends, together with what
 * `ending` says, and the answer tells.
 */
export async function unlessChanged<T>(
  context: PipelineContext,
  version: VersionFacts,
  work: () => Promise<T>,
  ending: Partial<Change> = {},
): Promise<T | Changed> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ContentChanged) return abandon(context, version, ending);
    throw error;
  }
}
