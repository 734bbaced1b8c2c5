import type { SystemUser } from '../system-users.ts';

/** What other services and the operator are told of a service that runs. */
export interface ServiceFacts {
  /** Where it answers: `host:port`, a URL, or the path of a socket; empty for one that serves nothing. */
  readonly address: string;
  /** More of it, merged into its row of `status --json`; paths and addresses only, never a secret. */
  readonly extra: Readonly<Record<string, string>>;
}

/** How to start a service this time. */
export interface Launch extends ServiceFacts {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment of the process: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Whom to run it as; undefined means this process's own user. */
  readonly user: SystemUser | undefined;
  /** Files it appends to itself, rotated like its log. */
  readonly moreLogs?: readonly string[];
}

/** Facts of the services that are up, by name. */
export type RunningServices = ReadonlyMap<string, ServiceFacts>;

/** One service as the supervisor sees it. */
export interface ServiceSpec {
  /** Names its log file and its row in `status`; lower case, no spaces. */
  readonly name: string;
  /** Services that are healthy before this one starts and stop after it. */
  readonly dependsOn: readonly string[];
  /** Makes everything ready for a start; called before every start, so twice must be as good as once. */
  prepare(running: RunningServices): Promise<Launch>;
  /** Whether it answers now. A rejection means no; the supervisor bounds how long it may take. */
  health?(launch: Launch): Promise<boolean>;
  /** The process says that it is ready by writing the line `ready` to file descriptor 3. */
  readonly announcesReady?: boolean;
  /** What has to be set once it answers, before it counts as healthy; twice must be as good as once. */
  whenAnswering?(launch: Launch): Promise<void>;
  /** Asks the process to end in order. */
  readonly stopSignal: NodeJS.Signals;
  /** How long it may take to end before it is killed. */
  readonly stopGraceMs: number;
  /** How long a start may take until it is healthy. */
  readonly startTimeoutMs: number;
  /** Written to its standard input at each start, which is then closed: how a password reaches it. */
  readonly stdinSecret?: () => Buffer;
}
