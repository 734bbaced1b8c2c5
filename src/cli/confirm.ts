import { createInterface } from 'node:readline/promises';

/** Asks on the terminal; true only for exactly the expected answer. Without a terminal nobody has agreed. */
export async function confirm(question: string, expected: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim() === expected;
  } finally {
    terminal.close();
  }
}
