import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { Failure, type FailureCode, failures, isFailure } from '../domain/failures.ts';
import type { Paths } from './paths.ts';
import { writePrivate } from './secrets.ts';

/** Where the supervisor says why it ended before all was healthy, for the command that started it. */
export const lastFailureFile = (paths: Paths): string => path.join(paths.home, 'run', 'last-failure.json');

const written = z.object({
  code: z.string().refine((code) => code in failures),
  facts: z.record(z.string(), z.union([z.string(), z.number()])),
});

export function keepFailure(paths: Paths, error: unknown): void {
  if (isFailure(error))
    writePrivate(lastFailureFile(paths), JSON.stringify({ code: error.code, facts: error.facts }));
}

export function lastFailure(paths: Paths): Failure | undefined {
  try {
    const { code, facts } = written.parse(JSON.parse(readFileSync(lastFailureFile(paths), 'utf8')));
    return new Failure(code as FailureCode, facts);
  } catch {
    return undefined;
  }
}
