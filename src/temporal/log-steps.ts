import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Logger } from 'pino';
import { addLogIds, type LogIds, withLogIds } from '../observability/log-ids.ts';

/** What of an activity's answer is logged: codes and ids. */
interface Answer {
  readonly next?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly versionId?: string;
  readonly unchanged?: boolean;
}

/** Inputs are ids under names that end so. */
const idNames: Readonly<Record<string, keyof LogIds>> = {
  runId: 'run',
  entryId: 'entry',
  versionId: 'version',
  batchId: 'batch',
  holdId: 'hold',
};

/**
 * Logs one line for each activity: what it was about, what came of it, how long it took. A file's outcome at `info`, all
 * else at `debug`. Every line that is logged meanwhile carries the same ids.
 */
export const logSteps =
  (log: Logger): ActivityInterceptorsFactory =>
  ({ info: { activityType: step, workflowExecution } }) => ({
    inbound: {
      execute: (input, next) => {
        const workflow = workflowExecution?.workflowId;
        const ids = { step, ...(workflow === undefined ? {} : { workflow }), ...idsIn(input.args[0]) };
        return withLogIds(ids, async () => {
          const began = performance.now();
          const durationMs = (): number => Math.round(performance.now() - began);
          try {
            const answer = await next(input);
            const { next: came, outcome, reason, versionId, unchanged } = (answer ?? {}) as Answer;
            if (versionId !== undefined) addLogIds({ version: versionId });
            const facts = { outcome: outcome ?? came ?? 'done', ...(reason === undefined ? {} : { reason }) };
            const isNews = came === 'settled' && unchanged !== true;
            log[isNews ? 'info' : 'debug']({ ...facts, durationMs: durationMs() }, 'step done');
            return answer;
          } catch (error) {
            log.debug({ outcome: 'error', durationMs: durationMs() }, 'step done');
            throw error;
          }
        });
      },
    },
  });

function idsIn(input: unknown): LogIds {
  if (typeof input !== 'object' || input === null) return {};
  return Object.fromEntries(
    Object.entries(input).flatMap(([name, value]) => {
      const id = idNames[name];
      return id === undefined || typeof value !== 'string' ? [] : [[id, value]];
    }),
  );
}
