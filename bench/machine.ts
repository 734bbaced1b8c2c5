import { statfsSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { bytes } from '../src/cli/output.ts';

/** What a result depends on besides the program. */
export interface Machine {
  readonly date: string;
  readonly cores: number;
  readonly processor: string;
  readonly memoryBytes: number;
  readonly node: string;
  readonly kernel: string;
  /** Of the folder the stack and its sources are in: statfs(2)'s magic number, hex. */
  readonly fileSystem: string;
  /** Which signatures the scanner had: scanning by the official ones takes longer. */
  readonly signatureSet: string;
}

export function machine(folder: string, signatureSet: string): Machine {
  const [first] = cpus();
  return {
    date: new Date().toISOString(),
    cores: cpus().length,
    processor: first?.model ?? 'unknown',
    memoryBytes: totalmem(),
    node: process.version,
    kernel: release(),
    fileSystem: `0x${statfsSync(folder).type.toString(16)}`,
    signatureSet,
  };
}

export function machineText({
  cores,
  processor,
  memoryBytes,
  node,
  kernel,
  date,
  signatureSet,
}: Machine): string {
  return `${cores} cores (${processor}), ${bytes(memoryBytes)}, Linux ${kernel}, Node ${node}, signatures: ${signatureSet}, ${date}`;
}
