import type { Catalog } from '../catalog/catalog.ts';
import {
  beginCondition,
  clearCondition,
  keepCondition,
  lockedCondition,
} from '../catalog/condition-query.ts';
import { addNotifications } from '../catalog/notification-query.ts';
import type { Ids } from '../domain/ids.ts';
import type { ConditionKind, Phase } from '../domain/notifications.ts';
import type { ChannelName } from './channels.ts';
import { messagesOf } from './tell.ts';

/** What a look found about one thing that may last. */
export interface Look {
  readonly kind: ConditionKind;
  /** Id of the source or host, or the name of the channel; empty for the whole repository. */
  readonly subject: string;
  readonly isSo: boolean;
  /** Ids, names of sources, hosts and channels, codes and numbers. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface ConditionDeps {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly channels: readonly ChannelName[];
  /** What lasts is told again after so long. */
  readonly repeatEveryMs: number;
  /** What is not so any more counts as ended after so long: a disk that is 80 % full by turns is told once. */
  readonly clearAfterMs: number;
}

/**
 * Puts on record what was found, and has people told: when it begins, after each pause while it lasts, and when it has
 * ended. State and messages are one transaction, so that hosts that look at the same time, or again after a crash, tell once.
 */
export async function noteConditions(deps: ConditionDeps, looks: readonly Look[]): Promise<void> {
  for (const look of looks) await noteCondition(deps, look);
}

async function noteCondition(deps: ConditionDeps, look: Look): Promise<void> {
  const { catalog, ids, channels, repeatEveryMs, clearAfterMs } = deps;
  const { kind, subject, isSo, facts } = look;
  const id = ids.condition(kind, subject);
  // Nobody is told by the channel that fails that it fails.
  const told = channels.filter(({ name }) => kind !== 'channel_failing' || name !== subject);
  await catalog.transaction(async (rows) => {
    const tell = (phase: Phase, occasion: string): Promise<void> =>
      addNotifications(
        rows,
        messagesOf(ids, told, { topic: kind, subject: id, occasion, facts: { ...facts, phase } }),
      );
    const known = await lockedCondition(rows, id);
    if (known === undefined || known.isEnded) {
      if (!isSo) return;
      const episode = await beginCondition(rows, { id, kind, subject, facts });
      if (episode !== undefined) await tell('begun', `${episode} 1`);
      return;
    }
    const { episode, told: times } = known;
    if (isSo) {
      const isTold = known.toldMsAgo >= repeatEveryMs;
      await keepCondition(rows, id, facts, isTold);
      if (isTold) await tell('lasts', `${episode} ${times + 1}`);
      return;
    }
    const isEnded = known.clearMs !== null && known.clearMs >= clearAfterMs;
    await clearCondition(rows, id, isEnded);
    if (isEnded) await tell('resolved', `${episode} end`);
  });
}
