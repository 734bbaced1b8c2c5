import { isUtf8 } from 'node:buffer';
import { join } from 'node:path';
import type { RestoreTotals } from '../restore/restore-index.ts';
import type { RestoredItem, RestoreSummary } from '../restore/restored-item.ts';
import { say } from '../text/voice.ts';
import { bytes, printable } from './output.ts';
import { Rate } from './rate.ts';
import type { Session } from './session.ts';
import { countOf, reasonText, word } from './words.ts';

/** How often the progress line changes. */
const progressEveryMs = 200;

export interface ReportOptions {
  /** The target, as it was given. */
  readonly to: string;
  readonly dryRun?: boolean;
}

/** What a restore says while it runs and when it ends. */
export class RestoreReport {
  private readonly output: Session['output'];
  private readonly source: string;
  private readonly options: ReportOptions;
  private readonly startedMs = Date.now();
  private readonly timer: NodeJS.Timeout;
  private readonly rate = new Rate(this.startedMs);
  private totals: RestoreTotals | undefined;
  private entries = 0;
  private byteCount = 0;

  constructor({ output }: Session, source: string, options: ReportOptions) {
    this.output = output;
    this.source = source;
    this.options = options;
    this.timer = setInterval(() => this.progress(), progressEveryMs);
  }

  start(totals: RestoreTotals): void {
    this.totals = totals;
  }

  addBytes(count: number): void {
    this.byteCount += count;
  }

  item(item: RestoredItem): void {
    this.entries++;
    this.output.value(jsonItem(this.source, this.options.to, item));
    const isNews =
      item.reason !== undefined ||
      item.older !== undefined ||
      item.warnings !== undefined ||
      ['conflict', 'kept', 'replaced'].includes(item.result);
    if (isNews || this.options.dryRun) this.output.line(textLine(this.source, this.options.to, item));
  }

  end(summary: RestoreSummary): void {
    const { dryRun = false, to } = this.options;
    this.output.value({ summary: { ...summary, dryRun } });
    this.output.line(
      say('restore', 'summary', {
        count: summary.entries,
        source: printable(this.source),
        done: dryRun ? say('restore', 'would_be') : say('restore', 'done'),
        to: printable(to),
        counts: countsText(summary),
        bytes: bytes(summary.bytes),
        time: seconds(Date.now() - this.startedMs),
      }),
    );
    const warnings = Object.entries(summary.warnings);
    if (warnings.length > 0) {
      const each = warnings.map(([kind, count]) => countOf(count, kind)).join(', ');
      this.output.line(say('restore', 'metadata', { each }));
    }
  }

  close(): void {
    clearInterval(this.timer);
  }

  private progress(): void {
    const { totals, entries, byteCount } = this;
    if (totals === undefined) return;
    const rate = this.rate.perSecond(byteCount, Date.now());
    const left =
      rate > 0
        ? say('restore', 'left', { time: seconds((Math.max(totals.bytes - byteCount, 0) / rate) * 1_000) })
        : '';
    this.output.progress(
      say('restore', 'progress', {
        entries,
        of: totals.entries,
        bytes: bytes(byteCount),
        all: bytes(totals.bytes),
        rate: bytes(Math.round(rate)),
        left,
      }),
    );
  }
}

/** The four that are always told, and those of the others that happened. */
function countsText(summary: RestoreSummary): string {
  const { restored, replaced, unchanged, conflict, kept, infected, failed, missing, older } = summary;
  const parts: [number, string, boolean][] = [
    [restored, say('restore', 'new'), true],
    [replaced, say('restore', 'replaced'), false],
    [unchanged, say('restore', 'already_there'), true],
    [conflict, say('restore', 'other_name'), true],
    [kept, say('restore', 'kept'), false],
    [infected, say('restore', 'left_out'), false],
    [failed, say('restore', 'failed'), true],
    [missing, say('restore', 'never_protected'), true],
    [older, say('restore', 'earlier'), true],
  ];
  return parts
    .filter(([count, , isAlwaysTold]) => isAlwaysTold || count > 0)
    .map(([count, text]) => say('words', 'count_of', { count, word: text }))
    .join(', ');
}

/** The row of `--json`; names that are not UTF-8 are also given exactly, as base64. */
export function jsonItem(source: string, to: string, item: RestoredItem): object {
  const { path, kind, result, target, reason, warnings, older, versionId } = item;
  return {
    source,
    path: path.toString('utf8'),
    ...(isUtf8(path) ? {} : { pathBytes: path.toString('base64') }),
    kind: kind ?? null,
    result,
    ...(target === undefined ? {} : { target: join(to, target.toString('utf8')) }),
    ...(reason === undefined ? {} : { reason }),
    ...(warnings === undefined ? {} : { warnings }),
    ...(older === undefined ? {} : { older }),
    versionId: versionId ?? null,
  };
}

function textLine(source: string, to: string, item: RestoredItem): string {
  const target = item.target === undefined ? '' : ` → ${printable(join(to, item.target.toString('utf8')))}`;
  const older =
    item.older === undefined ? '' : ` ${say('restore', 'earlier_version', { newest: word(item.older) })}`;
  const notes = [
    ...(item.reason === undefined ? [] : [reasonText(item.reason)]),
    ...(item.warnings ?? []).map(word),
  ];
  const told = notes.length === 0 ? '' : ` (${notes.join(', ')})`;
  return `${word(item.result).padEnd(9)}  ${printable(`${source}:${item.path.toString('utf8')}`)}${target}${told}${older}`;
}

function seconds(ms: number): string {
  const whole = Math.ceil(ms / 1_000);
  return whole < 60
    ? `${whole} s`
    : say('restore', 'minutes', { minutes: Math.floor(whole / 60), seconds: whole % 60 });
}
