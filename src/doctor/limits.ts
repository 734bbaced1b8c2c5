import { readFile, statfs } from 'node:fs/promises';
import { say } from '../text/voice.ts';
import { type Check, type Finding, ok } from './check.ts';

/** What the worker opens at once at most: files, sockets to stores, the catalog's and Temporal's connections. */
const leastOpenFiles = 4_096;
/** Below this the kernel begins to end processes, the scanner first. */
const leastMemoryBytes = 256 * 1024 ** 2;
const leastFreeInodes = 0.05;
/** With 1 Linux gives no core to a program either (fs/coredump.c); what we start has that. */
const noCoreBytes = 1;

/** Whether the system lets the program have what it needs, and keeps none of its memory. */
export const limits: Check = {
  name: 'limits',
  async look({ home, status }) {
    const findings = judgeMemory(await readFile('/proc/meminfo', 'utf8'));
    const { files, ffree } = await statfs(home);
    // Some file systems have as many as they need, and say 0.
    if (files > 0 && ffree / files < leastFreeInodes)
      findings.push({
        state: 'problem',
        what: say('doctor', 'inodes', { home, count: String(ffree) }),
        means: say('doctor', 'inodes_means'),
        todo: say('doctor', 'inodes_todo'),
      });
    for (const name of ['worker', 'watcher', 'postgres', 'clamd']) {
      const pid = status?.services[name]?.pid ?? 0;
      const text =
        pid === 0 ? undefined : await readFile(`/proc/${pid}/limits`, 'utf8').catch(() => undefined);
      if (text !== undefined) findings.push(...judgeLimits(name, text));
    }
    return findings.length > 0 ? findings : [ok(say('doctor', 'limits_well'))];
  },
};

/** @param limits /proc/<pid>/limits of a service (proc(5)) */
export function judgeLimits(service: string, limits: string): Finding[] {
  const soft = (name: string): number => {
    const value = new RegExp(`^${name} +(\\S+)`, 'm').exec(limits)?.[1];
    return value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value);
  };
  const findings: Finding[] = [];
  if (service === 'worker' && soft('Max open files') < leastOpenFiles)
    findings.push({
      state: 'warning',
      what: say('doctor', 'open_files', { count: String(soft('Max open files')) }),
      means: say('doctor', 'open_files_means'),
      todo: say('doctor', 'open_files_todo', { count: String(leastOpenFiles) }),
    });
  // The scanner and the database hold content and names, but none of our keys.
  if (['worker', 'watcher'].includes(service) && soft('Max core file size') > noCoreBytes)
    findings.push({
      state: 'problem',
      what: say('doctor', 'core_files', { service }),
      means: say('doctor', 'core_files_means'),
      todo: say('doctor', 'core_files_todo'),
    });
  return findings;
}

/** @param meminfo /proc/meminfo (proc(5)) */
export function judgeMemory(meminfo: string): Finding[] {
  const kibibytes = Number(/^MemAvailable: +(\d+) kB/m.exec(meminfo)?.[1] ?? Number.NaN);
  const mebibytes = Math.round(kibibytes / 1024);
  if (!(kibibytes * 1024 < leastMemoryBytes)) return [];
  return [
    {
      state: 'problem',
      what: say('doctor', 'memory', { mebibytes: String(mebibytes) }),
      means: say('doctor', 'memory_means'),
      todo: say('doctor', 'memory_todo'),
    },
  ];
}
