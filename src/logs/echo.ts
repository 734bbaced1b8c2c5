import { type Repetition, repeat } from '../repeat.ts';
import { journalLine, ownLine } from './line.ts';
import { afterRotation, endOf, type LogPosition, readLog } from './read-log.ts';

const everyMs = 250;
const chunkBytes = 256 * 1024;

export interface EchoOptions {
  /** The log of each of our processes, by its name. */
  readonly files: ReadonlyMap<string, string>;
  readonly write: (line: string) => void;
  /** Whether whoever takes the lines is journald, which has times and urgencies of its own. */
  readonly forJournal: boolean;
  readonly keep: number;
}

/** Says again what our processes log from now on, for a terminal, a container's engine or the journal. */
export class LogEcho {
  readonly #options: EchoOptions;
  readonly #positions: Map<string, LogPosition>;
  readonly #repeating: Repetition;

  constructor(options: EchoOptions) {
    this.#options = options;
    this.#positions = new Map([...options.files.values()].map((file) => [file, endOf(file)]));
    this.#repeating = repeat(everyMs, async () => this.#echo());
  }

  /** To be called right before a log is put aside. */
  beforeRotation(file: string): void {
    const position = this.#positions.get(file);
    if (position === undefined) return;
    this.#positions.set(file, afterRotation(file, position, this.#options.keep).position);
  }

  /** Says what is left. */
  async stop(): Promise<void> {
    await this.#repeating.stop();
    this.#echo();
  }

  #echo(): void {
    const { files, write, forJournal } = this.#options;
    for (const [service, file] of files) {
      for (let isMore = true; isMore; ) {
        const { lines, next } = readLog(file, this.#positions.get(file) ?? endOf(file), chunkBytes);
        this.#positions.set(file, next);
        for (const text of lines) {
          const line = ownLine(text, service);
          if (line !== undefined) write(forJournal ? journalLine(line) : text);
        }
        isMore = lines.length > 0;
      }
    }
  }
}
