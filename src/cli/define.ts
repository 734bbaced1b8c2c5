import { type Command, InvalidArgumentError } from 'commander';
import type { Session } from './session.ts';

/** What a group of commands is defined with. */
export interface Cli {
  /** For commands that are not shown: everything else begins with {@link Cli.command}. */
  readonly program: Command;
  /** A new command; `parent` for one of a family, like `key rotate`. */
  command(name: string, description: string, parent?: Command): Command;
  /** An action that is given a session, then its positional arguments' and options' values. A number it gives is the exit code. */
  // biome-ignore lint/suspicious/noExplicitAny: commander hands over what the definitions declare
  run(action: (session: Session, ...args: any[]) => Promise<unknown>): (...args: any[]) => Promise<void>;
}

export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

export function wholeDays(text: string): number {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > 36_500)
    throw new InvalidArgumentError('1 to 36500 whole days.');
  return days;
}

export function descriptor(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('a number, like 3.');
  return Number(text);
}

/** The options of a command that sets a password beside the one that opens. */
export function addNewPasswordOptions(command: Command): Command {
  return command
    .option('--new-password-file <file>', 'file that holds the new password (or HOLDFAST_NEW_PASSWORD_FILE)')
    .option('--new-password-fd <number>', 'descriptor to read the new password from', descriptor);
}

export function wholeCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 10_000) throw new InvalidArgumentError('1 to 10000.');
  return count;
}

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
