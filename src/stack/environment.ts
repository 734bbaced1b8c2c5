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
