import type { Config } from '../config.ts';
import { hostAndPort } from '../observability/host-and-port.ts';
import { ourEnvironment } from './environment.ts';
import type { Paths } from './paths.ts';
import { choosePorts } from './ports.ts';
import { projectRoot } from './project.ts';
import type { RunningServices, ServiceSpec } from './services/service.ts';

/** Garbage is collected before the heap grows beyond this; file contents lie outside of it. */
const heapMebibytes = 192;
/** The default of 16 is taken up to three times over, for garbage that is gone at once. */
const youngMebibytes = { worker: 6, watcher: 4 };
/**
 * The worker's heap may grow by so much between two collections of all of it. V8 counts file contents and sealed bytes, which lie
 * outside of the heap, as its growth: left to itself it collects four times as often in a sweep, which is a third of the
 * process's CPU (measured with 100%: 1.54 and 0.90 ms a small file). 60% costs no CPU that could be measured and takes 20 MB
 * less at the peak; 40% costs a fifth.
 */
const growth = { worker: ['--heap-growing-percent=60'], watcher: [] };

/** One of our own processes as a supervised service: this Node, a script of ours, the password on standard input. */
export function nodeService(options: {
  readonly paths: Paths;
  readonly name: 'worker' | 'watcher';
  /** The script's path below the folder of the sources, without extension. */
  readonly script: string;
  readonly configPath: string;
  /** Where its metrics are served; a port that is not named is any free one. */
  readonly metrics: Config['metrics'];
  readonly dependsOn: readonly string[];
  /** The password to hand over at each start. */
  readonly password: () => Buffer;
  /** Further arguments. */
  readonly more?: readonly string[];
  /** Runs before every start, when what it depends on is healthy. */
  readonly before?: (running: RunningServices) => Promise<void>;
}): ServiceSpec {
  const { paths, name, configPath } = options;
  return {
    name,
    dependsOn: options.dependsOn,
    announcesReady: true,
    stopSignal: 'SIGTERM',
    stopGraceMs: 30_000,
    startTimeoutMs: 120_000,
    stdinSecret: options.password,

    async prepare(running) {
      await options.before?.(running);
      const free = await choosePorts(paths, name, ['metrics', 'sdk']);
      const { address, ports } = options.metrics;
      const metrics = ports[name] ?? free.metrics;
      const sdk = ports.sdk ?? free.sdk;
      const at = (port: number): string => `http://${hostAndPort(address, port)}/metrics`;
      return {
        command: process.execPath,
        args: [
          `--max-old-space-size=${heapMebibytes}`,
          `--max-semi-space-size=${youngMebibytes[name]}`,
          ...growth[name],
          scriptFile(options.script),
          ...['--home', paths.home],
          ...['--config', configPath],
          ...['--metrics-port', String(metrics)],
          ...(name === 'worker' ? ['--sdk-metrics-port', String(sdk)] : []),
          ...(options.more ?? []),
        ],
        cwd: '/',
        // Two arenas: with one per thread, glibc keeps several times what is in use.
        env: { ...ourEnvironment(paths), MALLOC_ARENA_MAX: '2' },
        user: undefined,
        address: at(metrics),
        extra: { metrics: at(metrics), ...(name === 'worker' ? { sdkMetrics: at(sdk) } : {}) },
      };
    },
  };
}

/** A script of ours, as TypeScript in a checkout and as built JavaScript in the packed package. */
export function scriptFile(script: string): string {
  const extension = import.meta.filename.endsWith('.ts') ? '.ts' : '.js';
  const folder = extension === '.ts' ? projectRoot : `${projectRoot}/dist`;
  return `${folder}/${script}${extension}`;
}
