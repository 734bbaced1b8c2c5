import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** USER_HZ, the unit of times in /proc, which is the same on every Linux (time(7)). */
const ticksPerSecond = 100;

/** The processes that are measured: the pid of each service's first process, by the service's name. */
export type Services = Readonly<Record<string, number>>;

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** Of the process and of its children that have ended (proc_pid_stat(5)). */
  readonly cpuSeconds: number;
}

/** CPU each service has used, with all its child processes, and what all the others on this machine have. Seconds. */
export function cpuSeconds(services: Services): Record<string, number> {
  const used = Object.fromEntries(
    trees(services).map(([name, tree]) => [name, sum(tree.map((one) => one.cpuSeconds))]),
  );
  return { ...used, elsewhere: machineCpuSeconds() - sum(Object.values(used)) };
}

/** CPU that commands of this process have used which have ended, with their own children. Seconds. */
export function childCpuSeconds(): number {
  const stat = read('/proc/self/stat') ?? '';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return sum(fields.slice(13, 15).map(Number)) / ticksPerSecond;
}

/** Begins a new measurement of the most memory (proc_pid_clear_refs(5), 5). */
export function resetPeakMemory(services: Services): void {
  for (const [, tree] of trees(services))
    for (const { pid } of tree) unlessGone(() => writeFileSync(`/proc/${pid}/clear_refs`, '5'));
}

/** The most memory a process of each service has had in RAM at once since the reset: VmHWM of its largest. Bytes. */
export function peakMemoryBytes(services: Services): Record<string, number> {
  return Object.fromEntries(
    trees(services).map(([name, tree]) => [name, Math.max(...tree.map(({ pid }) => highWaterMark(pid)))]),
  );
}

function processes(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processStat(Number(name)) ?? []);
}

/** Undefined for a process that has ended meanwhile. */
function processStat(pid: number): ProcessStat | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name, field 2, is in parentheses and may hold anything; field 3 follows the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = sum(fields.slice(11, 15).map(Number));
  return { pid, parent: Number(fields[1]), cpuSeconds: ticks / ticksPerSecond };
}

/** Each service's first process and all below it that are not another service's. */
function trees(services: Services): [name: string, processes: ProcessStat[]][] {
  const all = processes();
  const first = new Set(Object.values(services));
  const below = (pid: number): ProcessStat[] =>
    all.filter((one) => one.parent === pid && !first.has(one.pid)).flatMap((one) => [one, ...below(one.pid)]);
  return Object.entries(services).map(([name, pid]) => [
    name,
    [...all.filter((one) => one.pid === pid), ...below(pid)],
  ]);
}

function highWaterMark(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return Number(kibibytes ?? 0) * 1024;
}

/** User, nice, system, interrupts and stolen time of all CPUs (proc_stat(5)), without idle and I/O wait. */
function machineCpuSeconds(): number {
  const [line = ''] = (read('/proc/stat') ?? '').split('\n', 1);
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .map(Number);
  return sum([user, nice, system, irq, softirq, steal]) / ticksPerSecond;
}

const read = (file: string): string | undefined => unlessGone(() => readFileSync(file, 'utf8'));

/** Undefined of a process that has ended meanwhile. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
