import { isUtf8 } from 'node:buffer';
import { join } from 'node:path';
import type { RestoreTotals } from '../restore/restore-index.ts';
import type { RestoredItem, RestoreSummary } from '../restore/restored-item.ts';
import { bytes, printable } from './output.ts';
import { Rate } from './rate.ts';
import type { Session } from './session.ts';

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
      `${summary.entries} entries of ${printable(this.source)} ${dryRun ? 'would be restored' : 'restored'} to ${printable(to)}: ` +
        `${countsText(summary)}; ${bytes(summary.bytes)} in ${seconds(Date.now() - this.startedMs)}`,
    );
    const warnings = Object.entries(summary.warnings);
    if (warnings.length > 0) {
      const each = warnings.map(([kind, count]) => `${kind} ${count}`).join(', ');
      this.output.line(`Metadata that could not be set, while the content is whole: ${each}`);
    }
  }

  close(): void {
    clearInterval(this.timer);
  }

  private progress(): void {
    const { totals, entries, byteCount } = this;
    if (totals === undefined) return;
    const rate = this.rate.perSecond(byteCount, Date.now());
    const left = rate > 0 ? `, ${seconds((Math.max(totals.bytes - byteCount, 0) / rate) * 1_000)} left` : '';
    this.output.progress(
      `${entries} of ${totals.entries} entries, ${bytes(byteCount)} of ${bytes(totals.bytes)}, ${bytes(Math.round(rate))}/s${left}`,
    );
  }
}

/** The four that are always told, and those of the others that happened. */
function countsText(summary: RestoreSummary): string {
  const { restored, replaced, unchanged, conflict, kept, infected, failed, missing, older } = summary;
  const parts: [number, string, boolean][] = [
    [restored, 'new', true],
    [replaced, 'replaced', false],
    [unchanged, 'already there', true],
    [conflict, 'under another name', true],
    [kept, 'kept as they were', false],
    [infected, 'left out because they are infected', false],
    [failed, 'failed', true],
    [missing, 'never protected', true],
    [older, 'from an earlier version', true],
  ];
  return parts
    .filter(([count, , isAlwaysTold]) => isAlwaysTold || count > 0)
    .map(([count, text]) => `${count} ${text}`)
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
  const older = item.older === undefined ? '' : ` (an earlier version: the newest is ${item.older})`;
  const notes = [...(item.reason === undefined ? [] : [item.reason]), ...(item.warnings ?? [])];
  const told = notes.length === 0 ? '' : ` (${notes.join(', ')})`;
  return `${item.result.padEnd(9)}  ${printable(`${source}:${item.path.toString('utf8')}`)}${target}${told}${older}`;
}

function seconds(ms: number): string {
  const whole = Math.ceil(ms / 1_000);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
