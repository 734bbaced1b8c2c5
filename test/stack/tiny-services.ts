import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Paths } from '../../src/stack/paths.ts';
import type { ServiceSpec } from '../../src/stack/services/service.ts';

const script = path.join(import.meta.dirname, 'fixtures', 'tiny-service.mjs');

/** A service that is a real process and keeps a journal of its life. */
export function tinyService(
  paths: Paths,
  name: string,
  {
    readyMs = 0,
    stopMs = 0,
    ...more
  }: Partial<ServiceSpec> & { readonly readyMs?: number; readonly stopMs?: number } = {},
): ServiceSpec {
  return {
    name,
    dependsOn: [],
    announcesReady: true,
    stopSignal: 'SIGTERM',
    stopGraceMs: 5_000,
    startTimeoutMs: 10_000,
    prepare: async () => ({
      command: process.execPath,
      args: [script, name, journalFile(paths), String(readyMs), String(stopMs)],
      cwd: '/',
      env: { PATH: '/usr/bin' },
      user: undefined,
      address: `test:${name}`,
      extra: { colour: 'green' },
    }),
    ...more,
  };
}

function journalFile(paths: Paths): string {
  return path.join(paths.home, 'journal');
}

/** What the tiny services did, in order. */
export function journal(paths: Paths): string[] {
  return readFileSync(journalFile(paths), 'utf8').trimEnd().split('\n');
}
