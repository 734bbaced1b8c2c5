import type { Logger } from 'pino';
import { endUnlooked, untoldSweeps } from '../catalog/condition-query.ts';
import type { Ids } from '../domain/ids.ts';
import { sharedChannels } from './channels.ts';
import { type ConditionDeps, type Look, noteConditions } from './conditions.ts';
import { type HostLook, lookAtHost, lookAtRepository, lookThoroughly, type RepositoryLook } from './look.ts';
import { type StartDeps, startWaiting } from './start.ts';
import { tell } from './tell.ts';

export interface WatchDeps {
  readonly ids: Ids;
  readonly host: HostLook;
  /** Undefined on a host that does not keep the repository: another one looks after the whole of it. */
  readonly repository:
    | (Pick<RepositoryLook, 'sweepWithinMs' | 'unswept'> & Pick<StartDeps, 'client' | 'taskQueue'>)
    | undefined;
  readonly repeatEveryMs: number;
  readonly log: Logger;
}

/** Rounds of five seconds. */
export const roundMs = 5_000;
const roundsToLook = 12;
const roundsToLookThoroughly = 120;
const roundsToStartAll = 720;
/** What is not so any more counts as ended after so long. */
const clearAfterMs = 10 * 60_000;

/** What may come and go, with the subjects that there are. */
const subjectsOf = (looks: readonly Look[]) =>
  (['sweep_missing', 'channel_failing'] as const).map((kind) => ({
    kind,
    subjects: looks.filter((look) => look.kind === kind).map(({ subject }) => subject),
  }));

/** Has people told what happens, round by round: starts what waits, and looks after what may last. */
export class Watch {
  private readonly deps: WatchDeps;
  private round = 0;

  constructor(deps: WatchDeps) {
    this.deps = deps;
  }

  /** The next round. What cannot be known now is looked at again in a later one. */
  async next(): Promise<void> {
    const { host, repository } = this.deps;
    const round = this.round++;
    if (repository !== undefined) {
      const which = round % roundsToStartAll === 0 ? 'all' : 'new';
      await this.attempt(() => startWaiting({ ...repository, catalog: host.catalog }, which));
    }
    if (round % roundsToLook !== 0) return;
    await this.note(() => lookAtHost(host));
    if (repository === undefined) return;
    await this.attempt(() => this.tellSweeps());
    await this.note(async () => {
      const channels = await sharedChannels(host.catalog);
      const looks = await lookAtRepository({ ...repository, catalog: host.catalog, channels });
      await endUnlooked(host.catalog, subjectsOf(looks));
      return looks;
    });
    if (round % roundsToLookThoroughly === 0) await this.note(() => lookThoroughly(host.catalog));
  }

  private note(look: () => Promise<readonly Look[]>): Promise<void> {
    return this.attempt(async () => {
      const looks = await look();
      await noteConditions(await this.telling(), looks);
    });
  }

  private async telling(): Promise<ConditionDeps> {
    const { ids, host, repeatEveryMs } = this.deps;
    return {
      ...{ catalog: host.catalog, ids, repeatEveryMs, clearAfterMs },
      channels: await sharedChannels(host.catalog),
    };
  }

  /** A dead man's switch hears of every sweep that ended. */
  private async tellSweeps(): Promise<void> {
    const deps = await this.telling();
    for (const { id, isComplete } of await untoldSweeps(deps.catalog))
      await tell(deps, { topic: isComplete ? 'sweep_complete' : 'sweep_incomplete', subject: id, facts: {} });
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.deps.log.warn({ err: error }, 'people are told later');
    }
  }
}
