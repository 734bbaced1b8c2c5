import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { largeFile } from './large-file.ts';
import { machine, machineText } from './machine.ts';
import type { Measured } from './measure.ts';
import { aims, aimsText, rowText } from './report.ts';
import { burst, oneByOne, warmUp } from './small-files.ts';
import { makeStack } from './stack.ts';

/** `npm run bench [-- --quick]`: how fast the whole program is on this machine, every service included. */
const { quick } = parseArgs({ options: { quick: { type: 'boolean', default: false } } }).values;
const size = quick
  ? { singles: 8, burst: 200, largeBytes: 128_000_000 }
  : { singles: 30, burst: 2_000, largeBytes: 1_000_000_000 };

const stack = await makeStack();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stack.remove().finally(() => process.exit(130)));
try {
  await stack.up();
  const { signatureSet } = await stack.service('clamd');
  const facts = machine(stack.folder, String(signatureSet));
  print(machineText(facts));
  await warmUp(stack);
  const rows = {
    singles: printed(await oneByOne(stack, size.singles)),
    burst: printed(await burst(stack, size.burst)),
    large: printed(await largeFile(stack, size.largeBytes)),
  };
  const judged = aims(rows);
  print(aimsText(judged));
  const results = fileURLToPath(new URL('results/', import.meta.url));
  mkdirSync(results, { recursive: true });
  writeFileSync(
    `${results}/latest.json`,
    `${JSON.stringify({ quick, machine: facts, aims: judged, rows: Object.values(rows) }, undefined, 1)}\n`,
  );
} finally {
  await stack.remove();
}

function printed(row: Measured): Measured {
  print(rowText(row));
  return row;
}

function print(text: string): void {
  process.stdout.write(`${text}\n\n\n`);
}
