import type { Delivered, NotificationStep } from '../src/domain/notifications.ts';
import type { Postponed } from '../src/domain/steps.ts';
import { sharedChannels } from '../src/notify/channels.ts';
import { type DeliverDeps, deliverNotification } from '../src/notify/deliver.ts';
import { writeDigest } from '../src/notify/write-digest.ts';
import { postponed } from './edge.ts';

export interface DigestStep {
  /** Of the workflow: one digest for each. */
  readonly runId: string;
  /** Its time, ms since 1970. */
  readonly nowMs: number;
}

export function createNotifyActivities(deps: DeliverDeps) {
  const { catalog, ids, config, log } = deps;
  const { language, breaches } = config;
  return {
    /** Tries once to hand a message over. */
    deliverNotification: (input: NotificationStep): Promise<Delivered | Postponed> =>
      deliverNotification(deps, input).catch((error: unknown) => postponed<Postponed>(error, log)),

    /** Has the digest told. */
    writeDigest: ({ runId, nowMs }: DigestStep): Promise<{ next: 'written' } | Postponed> =>
      sharedChannels(catalog)
        .then((channels) =>
          writeDigest(
            { catalog, ids, language, channels, notifyWithinMs: breaches.notifyWithin },
            runId,
            new Date(nowMs),
          ),
        )
        .then(() => ({ next: 'written' as const }))
        .catch((error: unknown) => postponed<Postponed>(error, log)),
  };
}

export type NotifyActivities = ReturnType<typeof createNotifyActivities>;
