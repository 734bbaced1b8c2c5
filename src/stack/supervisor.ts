import path from 'node:path';
import { Failure } from '../domain/failures.ts';
import { serveControl } from './control.ts';
import { ensureFolders } from './folders.ts';
import type { LineServer } from './line-socket.ts';
import { type Lock, tryLockSoon } from './lock.ts';
import { defaultRotation, isDue, type LogRotation, rotate } from './logs.ts';
import { homeDigest, type Paths } from './paths.ts';
import { bootId, endProcess, findByEnvironment, isRunning } from './process-table.ts';
import { instanceVariable } from './service-process.ts';
import type { ServiceFacts, ServiceSpec } from './services/service.ts';
import {
  defaultTiming,
  SupervisedService,
  type SupervisorLog,
  type SupervisorTiming,
} from './supervised-service.ts';
import { readState, type SupervisorStatus, writeState } from './supervisor-state.ts';

const rotateIntervalMs = 30_000;
/** For an orphan of which nothing but its process is known. */
const orphanGraceMs = 10_000;

export interface SupervisorOptions {
  readonly paths: Paths;
  readonly uid: number;
  /** Each after those it depends on. A dependency that is not in the list is an external service. */
  readonly services: readonly ServiceSpec[];
  readonly log: SupervisorLog;
  readonly timing?: SupervisorTiming;
  readonly rotation?: LogRotation;
  /** Called right before a log is put aside. */
  readonly beforeRotation?: (file: string) => void;
  /** Takes the secret that {@link Supervisor.renew} brings; throws where it is not good. */
  readonly onNewSecret?: (secret: Buffer) => Promise<void>;
}

/**
 * Runs the services of one state folder: starts each when those it depends on are healthy, keeps them up, stops
 * them in reverse order. One supervisor per state folder; a kernel-held lock sees to that.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #services: readonly SupervisedService[];
  readonly #startTime = new Date();
  readonly #stopped = Promise.withResolvers<void>();
  #lock: Lock | undefined;
  #control: LineServer | undefined;
  #rotation: NodeJS.Timeout | undefined;
  #stop: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { paths, services, log, timing = defaultTiming } = options;
    this.#services = services.map(
      (spec) =>
        new SupervisedService({
          spec,
          instance: homeDigest(paths.home),
          logFile: path.join(paths.home, 'logs', `${spec.name}.log`),
          timing,
          log,
          running: () => this.#running(),
          onChange: () => this.#writeState(),
          onMoved: () => void this.#restartDependents(spec.name),
        }),
    );
  }

  /** Resolves when `stop`, a client's or a caller's, has stopped everything. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  get status(): SupervisorStatus {
    return {
      pid: process.pid,
      startTime: this.#startTime.toISOString(),
      bootId: bootId(),
      services: Object.fromEntries(this.#services.map(({ spec, status }) => [spec.name, status])),
    };
  }

  /**
   * Returns when every service is healthy. Throws `already_running`, `service_unhealthy` or what a service's
   * preparation throws; then everything that had started is stopped again.
   */
  async start(): Promise<void> {
    const { paths, uid } = this.#options;
    ensureFolders(paths, uid);
    this.#lock = await tryLockSoon(`supervisor ${paths.home}`);
    if (this.#lock === undefined) throw new Failure('already_running', { pid: readState(paths)?.pid ?? 0 });
    try {
      await this.#endOrphans();
      this.#writeState();
      this.#control = await serveControl(paths, {
        status: () => this.status,
        stop: () => void this.stop(),
        renew: (secret) => this.renew(secret),
      });
      this.#rotation = setInterval(() => this.#rotateLogs(), rotateIntervalMs);
      this.#rotateLogs();
      await this.#startAll();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops every service, dependents first, and gives the state folder free. Twice is as good as once. */
  stop(): Promise<void> {
    this.#stop ??= this.#stopAll();
    return this.#stop;
  }

  /**
   * Starts the services that are given a secret again, with this one, and returns when they are healthy. What
   * they had in hand is theirs again after that: Temporal keeps it.
   */
  async renew(secret: Buffer): Promise<void> {
    await this.#options.onNewSecret?.(secret);
    const secretive = this.#services.filter(({ spec }) => spec.stdinSecret !== undefined);
    await Promise.all(secretive.map((service) => service.renew()));
  }

  async #startAll(): Promise<void> {
    const starts = new Map<string, Promise<void>>();
    for (const service of this.#services) {
      const needed = service.spec.dependsOn.flatMap((name) => starts.get(name) ?? []);
      starts.set(
        service.spec.name,
        Promise.all(needed).then(() => service.start()),
      );
    }
    const all = [...starts.values()];
    // The first failure is reported at once; the others must not be unhandled.
    for (const start of all) start.catch(() => {});
    await Promise.all(all);
  }

  async #stopAll(): Promise<void> {
    // One that was refused has nothing to stop, and the state file is another's.
    if (this.#lock !== undefined) await this.#stopOwn(this.#lock);
    this.#stopped.resolve();
  }

  async #stopOwn(lock: Lock): Promise<void> {
    const stops = new Map<string, Promise<void>>();
    for (const service of this.#services.toReversed()) {
      const dependents = this.#dependents(service.spec.name).flatMap(
        (other) => stops.get(other.spec.name) ?? [],
      );
      stops.set(
        service.spec.name,
        Promise.all(dependents).then(() => service.stop()),
      );
    }
    await Promise.all(stops.values());
    clearInterval(this.#rotation);
    this.#writeState();
    await lock.release();
    this.#control?.close();
  }

  /** Ends what a killed supervisor left running: dependents first, each by its own stop signal. */
  async #endOrphans(): Promise<void> {
    const { paths, services, log } = this.#options;
    const last = readState(paths);
    const recorded = last?.bootId === bootId() ? last.services : {};
    for (const [name, row] of Object.entries(recorded).reverse()) {
      if (!isRunning(row)) continue;
      const spec = services.find((candidate) => candidate.name === name);
      log(`Stopping the service ${name} of an earlier run.`, { pid: row.pid });
      await endProcess(row, spec?.stopSignal ?? 'SIGTERM', spec?.stopGraceMs ?? orphanGraceMs);
    }
    const others = findByEnvironment(instanceVariable, homeDigest(paths.home));
    await Promise.all(others.map((orphan) => endProcess(orphan, 'SIGTERM', orphanGraceMs)));
  }

  async #restartDependents(name: string): Promise<void> {
    await Promise.all(this.#dependents(name).map((service) => service.restart()));
  }

  #dependents(name: string): SupervisedService[] {
    return this.#services.filter(({ spec }) => spec.dependsOn.includes(name));
  }

  #running(): ReadonlyMap<string, ServiceFacts> {
    return new Map(
      this.#services.flatMap(({ spec, launch }) => (launch ? [[spec.name, launch] as const] : [])),
    );
  }

  #rotateLogs(): void {
    const { paths, rotation = defaultRotation, beforeRotation } = this.#options;
    const own = path.join(paths.home, 'logs', 'supervisor.log');
    for (const file of [own, ...this.#services.flatMap(({ logFiles }) => logFiles)]) {
      if (!isDue(file, rotation)) continue;
      beforeRotation?.(file);
      rotate(file, rotation.keep);
    }
  }

  #writeState(): void {
    writeState(this.#options.paths, this.status);
  }
}
