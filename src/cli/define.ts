import { type Command, InvalidArgumentError } from 'commander';
import { say } from '../text/voice.ts';
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
    throw new InvalidArgumentError(say('help', 'define_invalid'));
  return days;
}

export function descriptor(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError(say('help', 'define_invalid_2'));
  return Number(text);
}

/** The options of a command that sets a password beside the one that opens. */
export function addNewPasswordOptions(command: Command): Command {
  return command
    .option('--new-password-file <file>', say('help', 'define_new_password_file'))
    .option('--new-password-fd <number>', say('help', 'define_new_password_fd'), descriptor);
}

export function wholeCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 10_000)
    throw new InvalidArgumentError(say('help', 'define_invalid_3'));
  return count;
}

export function examples(...lines: string[]): string {
  return `\n${say('help', 'examples')}\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
