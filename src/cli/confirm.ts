import { createInterface } from 'node:readline/promises';

/** Asks on the terminal; true only for exactly the expected answer. Without a terminal nobody has agreed. */
export async function confirm(question: string, expected: string): Promise<boolean> {
  return (await answer(question)) === expected;
}

/** Asks a question that ends in `[y/N]`; true for a yes in any language there is. Without a terminal nobody has agreed. */
export async function agree(question: string): Promise<boolean> {
  return isYes((await answer(question)) ?? '');
}

export const isYes = (text: string): boolean => /^(y|yes|o|oui)$/i.test(text);

async function answer(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(`${question} `)).trim();
  } finally {
    terminal.close();
  }
}
