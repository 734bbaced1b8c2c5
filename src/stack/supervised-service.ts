import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../domain/failures.ts';
import { lastLines } from './logs.ts';
import { ServiceProcess } from './service-process.ts';
import type { Launch, RunningServices, ServiceSpec } from './services/service.ts';
import type { ServiceStatus } from './supervisor-state.ts';

/** How patient the supervisor is, in milliseconds. */
export interface SupervisorTiming {
  readonly healthIntervalMs: number;
  /** How long one health check may take. */
  readonly healthTimeoutMs: number;
  /** A running service that gives no answer for this long is restarted. */
  readonly silenceLimitMs: number;
  /** Wait before the first restart; doubled for each that follows a life shorter than `steadyAfterMs`. */
  readonly firstBackoffMs: number;
  readonly lastBackoffMs: number;
  readonly steadyAfterMs: number;
}

export const defaultTiming: SupervisorTiming = {
  healthIntervalMs: 5_000,
  healthTimeoutMs: 5_000,
  silenceLimitMs: 60_000,
  firstBackoffMs: 500,
  lastBackoffMs: 30_000,
  steadyAfterMs: 60_000,
};

/** A port that was free may be taken by the time a service listens; a fresh choice is then as good. */
const firstStartAttempts = 3;
/** How often a service that is starting is asked whether it answers. */
const startPollMs = 50;
/** What a silent service gets to end in order before it is killed. */
const silentGraceMs = 5_000;

export type SupervisorLog = (message: string, facts: Readonly<Record<string, unknown>>) => void;

interface Options {
  readonly spec: ServiceSpec;
  readonly instance: string;
  readonly logFile: string;
  readonly timing: SupervisorTiming;
  readonly log: SupervisorLog;
  readonly running: () => RunningServices;
  /** Called on every change of `status`, at once after a process was made. */
  readonly onChange: () => void;
  /** Called when a restart gave the service another address. */
  readonly onMoved: () => void;
}

/** Keeps one service up: starts it, watches it, starts it again, stops it. */
export class SupervisedService {
  readonly spec: ServiceSpec;
  readonly #options: Options;
  readonly #stopping = new AbortController();
  #process: ServiceProcess | undefined;
  #launch: Launch | undefined;
  #isHealthy = false;
  #life: Promise<void> = Promise.resolve();

  constructor(options: Options) {
    this.spec = options.spec;
    this.#options = options;
  }

  get launch(): Launch | undefined {
    return this.#launch;
  }

  get status(): ServiceStatus {
    return {
      ...this.#launch?.extra,
      pid: this.#process?.identity?.pid ?? 0,
      startTicks: this.#process?.identity?.startTicks ?? 0,
      address: this.#launch?.address ?? '',
      healthy: this.#isHealthy,
      log: this.#options.logFile,
    };
  }

  /** Resolves when the service is healthy for the first time; from then on it is kept up until `stop`. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#bringUp();
        break;
      } catch (error) {
        if (attempt === firstStartAttempts || !(error instanceof EndedEarly)) throw this.#unhealthy(error);
      }
    }
    this.#life = this.#keepUp();
  }

  /** Ends the process and resolves when the one that is then started in its place is healthy. Failure `service_unhealthy`. */
  async renew(): Promise<void> {
    const before = this.#process;
    await this.restart();
    const deadline = performance.now() + this.spec.startTimeoutMs;
    while (this.#process === before || !this.#isHealthy) {
      if (this.#isStopping) throw new Failure('interrupted');
      if (performance.now() > deadline) throw this.#unhealthy(new Error('was not healthy in time'));
      await sleep(startPollMs);
    }
  }

  /** Ends the process, which is then started again. */
  async restart(): Promise<void> {
    await this.#process?.end(this.spec.stopSignal, this.spec.stopGraceMs);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#process?.end(this.spec.stopSignal, this.spec.stopGraceMs);
    await this.#life;
  }

  get logFiles(): readonly string[] {
    return [this.#options.logFile, ...(this.#launch?.moreLogs ?? [])];
  }

  async #bringUp(): Promise<void> {
    this.#stopping.signal.throwIfAborted();
    const launch = await this.spec.prepare(this.#options.running());
    this.#stopping.signal.throwIfAborted();
    const before = this.#launch;
    this.#launch = launch;
    const started = new ServiceProcess({
      launch,
      instance: this.#options.instance,
      logFile: this.#options.logFile,
      stdinSecret: this.spec.stdinSecret?.(),
      announcesReady: this.spec.announcesReady === true,
    });
    this.#process = started;
    this.#options.onChange();
    try {
      await this.#untilHealthy(started, launch);
    } catch (error) {
      await started.end(this.spec.stopSignal, this.spec.stopGraceMs);
      this.#gone(started);
      throw error;
    }
    this.#setHealthy(true);
    if (before !== undefined && before.address !== launch.address) this.#options.onMoved();
  }

  async #untilHealthy(started: ServiceProcess, launch: Launch): Promise<void> {
    const hurry = new AbortController();
    const early = started.ended.then((how) => {
      throw new EndedEarly(how);
    });
    const late = sleep(this.spec.startTimeoutMs, undefined, { signal: hurry.signal }).then(() => {
      throw new Error(`was not healthy after ${this.spec.startTimeoutMs / 1000} s`);
    });
    const healthy = async () => {
      if (this.spec.announcesReady) await started.announcedReady;
      while (!hurry.signal.aborted && !(await this.#answers(launch))) await sleep(startPollMs);
      if (!hurry.signal.aborted) await this.spec.whenAnswering?.(launch);
    };
    // Whichever of the three comes second must not count as an unhandled rejection.
    early.catch(() => {});
    late.catch(() => {});
    try {
      await Promise.race([healthy(), early, late]);
    } finally {
      hurry.abort();
    }
  }

  async #answers(launch: Launch): Promise<boolean> {
    if (this.spec.health === undefined) return true;
    const timeout = new AbortController();
    const tooLate = sleep(this.#options.timing.healthTimeoutMs, false, { signal: timeout.signal });
    try {
      return await Promise.race([this.spec.health(launch), tooLate.catch(() => false)]);
    } catch {
      return false;
    } finally {
      timeout.abort();
    }
  }

  async #keepUp(): Promise<void> {
    const { firstBackoffMs, lastBackoffMs, steadyAfterMs } = this.#options.timing;
    let backoffMs = firstBackoffMs;
    while (!this.#isStopping) {
      const since = performance.now();
      const how =
        this.#process === undefined ? 'could not be started' : await this.#untilEnded(this.#process);
      if (this.#isStopping) break;
      if (performance.now() - since > steadyAfterMs) backoffMs = firstBackoffMs;
      this.#options.log(`The service ${this.spec.name} ${how}; it is started again.`, { backoffMs });
      await sleep(backoffMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
      backoffMs = Math.min(backoffMs * 2, lastBackoffMs);
      if (this.#isStopping) break;
      await this.#bringUp().catch((error: Error) => {
        if (!this.#isStopping) {
          this.#options.log(`The service ${this.spec.name} did not start.`, { err: error });
        }
      });
    }
    if (this.#process !== undefined) await this.#process.end(this.spec.stopSignal, this.spec.stopGraceMs);
    if (this.#process !== undefined) this.#gone(this.#process);
  }

  /** Watches a process until it has ended, by itself or because it was silent for too long. */
  async #untilEnded(watched: ServiceProcess): Promise<string> {
    const { healthIntervalMs, silenceLimitMs } = this.#options.timing;
    let how: string | undefined;
    const ended = watched.ended.then((phrase) => {
      how = phrase;
    });
    let lastAnswer = performance.now();
    while (how === undefined) {
      const pause = new AbortController();
      await Promise.race([
        ended,
        sleep(healthIntervalMs, undefined, { signal: pause.signal }).catch(() => {}),
      ]);
      pause.abort();
      if (how !== undefined || this.#launch === undefined) break;
      const answers = await this.#answers(this.#launch);
      if (answers) lastAnswer = performance.now();
      if (how === undefined && !this.#isStopping) this.#setHealthy(answers);
      if (!answers && performance.now() - lastAnswer > silenceLimitMs && !this.#isStopping) {
        await watched.end(this.spec.stopSignal, silentGraceMs);
        await ended;
        how = `gave no answer for ${silenceLimitMs / 1000} s`;
      }
    }
    this.#gone(watched);
    return how ?? 'ended';
  }

  #gone(ended: ServiceProcess): void {
    if (this.#process === ended) this.#process = undefined;
    this.#isHealthy = false;
    this.#options.onChange();
  }

  #setHealthy(isHealthy: boolean): void {
    if (this.#isHealthy === isHealthy) return;
    this.#isHealthy = isHealthy;
    this.#options.onChange();
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  #unhealthy(error: unknown): unknown {
    if (error instanceof Failure || !(error instanceof Error)) return error;
    if (this.#isStopping) return new Failure('interrupted');
    const { logFile } = this.#options;
    const facts = {
      service: this.spec.name,
      reason: error.message,
      log: logFile,
      lines: lastLines(logFile, 5),
    };
    return new Failure('service_unhealthy', facts, { cause: error });
  }
}

/** The process of a service ended before it was healthy; the message says how. */
class EndedEarly extends Error {}
