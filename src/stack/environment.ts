import path from 'node:path';
import type { Paths } from './paths.ts';

/**
 * The whole environment of a service: nothing is inherited, so no secret of the caller reaches it.
 * `home` is the folder a program may use as its own.
 */
export function serviceEnvironment(home: string): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    HOME: home,
  };
}

/** The same for a program of ours. What Node compiled of it is kept, as `bin/launch.mjs` has it: most of what a start takes. */
export function ourEnvironment({ home, cache }: Paths): Record<string, string> {
  return {
    ...serviceEnvironment(home),
    NODE_ENV: 'production',
    NODE_COMPILE_CACHE: path.join(cache, 'compiled'),
  };
}
