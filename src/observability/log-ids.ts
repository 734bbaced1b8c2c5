import { AsyncLocalStorage } from 'node:async_hooks';

/** What a line of the log is tied to: ids and names of steps, never a path. */
export interface LogIds {
  readonly run?: string;
  readonly workflow?: string;
  readonly entry?: string;
  readonly version?: string;
  readonly batch?: string;
  readonly hold?: string;
  readonly step?: string;
}

const current = new AsyncLocalStorage<LogIds>();

/** Every line that is logged while `work` runs carries `ids`. */
export const withLogIds = <T>(ids: LogIds, work: () => T): T => current.run({ ...ids }, work);

/** What became known meanwhile: further lines carry it too. Nothing where no work is told apart. */
export function addLogIds(ids: LogIds): void {
  Object.assign(current.getStore() ?? {}, ids);
}

/** What is known now. */
export const logIds = (): LogIds => ({ ...current.getStore() });
