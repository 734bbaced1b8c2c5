/* biome-ignore-all lint/suspicious/noConsole: the one file that writes to the terminal */
import { type Failure, failureIn, isFailure } from '../domain/failures.ts';
import { detail, failureTexts, say, spoken } from '../text/voice.ts';
import { displayWidth } from '../text/width.ts';
import { reasonText, word } from './words.ts';

export { printable } from './printable.ts';

/** Least time between two lines of progress. */
const progressLineMs = 1_000;

/** Where a command writes: results to standard output, everything about its progress to standard error. */
export class Output {
  /** Whether results are JSON. */
  readonly json: boolean;
  private readonly progressInLines: boolean;
  private progressShown = false;
  private lastProgressLineAt = 0;

  /** @param progressInLines whether progress is also told, in lines, where there is no terminal */
  constructor(json: boolean, progressInLines = false) {
    this.json = json;
    this.progressInLines = progressInLines;
  }

  /** A line of the result for people; nothing under --json. */
  line(text = ''): void {
    if (!this.json) this.write(text);
  }

  /** One JSON value, on one line; nothing without --json. */
  value(value: unknown): void {
    if (this.json) this.write(JSON.stringify(value));
  }

  /** Either form, as asked. */
  result(value: unknown, text: () => string): void {
    if (this.json) this.value(value);
    else this.line(text());
  }

  /** Bytes as they are, resolved when they are handed over; what they were read into can be used again. */
  async content(bytes: Buffer): Promise<void> {
    this.clearProgress();
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** A note to whoever watches; kept apart from results. */
  note(text: string): void {
    this.clearProgress();
    process.stderr.write(`${text}\n`);
  }

  /** Whether {@link Output.progress} tells anybody anything: it may take work to know. */
  get tellsProgress(): boolean {
    return process.stderr.isTTY || this.progressInLines;
  }

  /** Replaces the line that shows how far a long command is. */
  progress(text: string): void {
    if (!process.stderr.isTTY) {
      if (this.progressInLines) this.progressLine(text);
      return;
    }
    process.stderr.write(`\r\x1b[2K${text}`);
    this.progressShown = true;
  }

  private progressLine(text: string): void {
    if (Date.now() - this.lastProgressLineAt < progressLineMs) return;
    this.lastProgressLineAt = Date.now();
    process.stderr.write(`${text}\n`);
  }

  failure(error: unknown): void {
    this.clearProgress();
    if (isFailure(error)) {
      if (this.json) console.error(JSON.stringify({ error: describe(error) }));
      else {
        const { message, hint } = failureIn(failureTexts(), error, (text, name) =>
          toldFact(error, text, name),
        );
        process.stderr.write(`${say('output', 'told', { message })}\n  → ${hint}\n`);
      }
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${say('output', 'told', { message: say('output', 'unexpected') })}\n${text}\n`);
  }

  private write(text: string): void {
    this.clearProgress();
    process.stdout.write(`${text}\n`);
  }

  private clearProgress(): void {
    if (this.progressShown) process.stderr.write('\r\x1b[2K');
    this.progressShown = false;
  }
}

/** States and reasons are words of ours; what else is text may be a phrase of ours. */
function toldFact({ code }: Failure, text: string, name: string): string {
  if (name === 'state' || name === 'outcome' || name === 'why') return word(text);
  const isReason = name === 'reason' && (code === 'hold_not_decided' || code === 'release_unscanned');
  return isReason ? reasonText(text) : detail(text);
}

function describe(failure: Failure): object {
  return { code: failure.code, message: failure.message, hint: failure.hint, exitCode: failure.exitCode };
}

/** Columns as wide as their widest cell on a terminal, two blanks between. `right`: columns of numbers. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = rows.reduce<number[]>(
    (all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, displayWidth(cell))),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => {
          const blanks = ' '.repeat(Math.max(0, (widths[i] ?? 0) - displayWidth(cell)));
          return right.includes(i) ? blanks + cell : cell + blanks;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const prefixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];

/** Bytes for people, e.g. `1.4 MiB`, in French `1,4 Mio`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  for (; value >= 1024 && unit < prefixes.length - 1; unit++) value /= 1024;
  const digits = unit === 0 ? 0 : 1;
  const format = { useGrouping: false, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${new Intl.NumberFormat(spoken(), format).format(value)} ${prefixes[unit]}${say('output', 'byte_letter')}`;
}

/** A time in the local zone with its offset, e.g. `2026-11-23 14:05:09 +01:00`. */
export function localTime(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const shifted = new Date(at.getTime() + minutes * 60_000).toISOString();
  const sign = minutes < 0 ? '-' : '+';
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const offset = `${sign}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 19)} ${offset}`;
}
