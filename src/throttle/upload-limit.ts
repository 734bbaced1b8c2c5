import { TokenBucket } from './token-bucket.ts';
import { type RateWindow, windowAt } from './windows.ts';

/** What uploads may take by the configuration: a rate at all times, or rates at certain hours. Bytes a second. */
export type ConfiguredLimit = number | readonly RateWindow[];

/** What somebody decided for now, whatever the configuration says. */
export interface LimitOverride {
  /** Bytes a second; null: no limit. */
  readonly rate: number | null;
  /** When the configuration counts again, ISO 8601 UTC; null: when somebody says so. */
  readonly until: string | null;
}

export interface LimitNow {
  /** Bytes a second; undefined: no limit. */
  readonly rate: number | undefined;
  readonly by: 'command' | 'configuration' | 'nobody';
}

/** The limit that holds at a moment. */
export function limitAt(
  configured: ConfiguredLimit | undefined,
  override: LimitOverride | undefined,
  now: Date,
): LimitNow {
  const isOver = override?.until && Date.parse(override.until) <= now.getTime();
  if (override !== undefined && !isOver) return { rate: override.rate ?? undefined, by: 'command' };
  if (configured === undefined) return { rate: undefined, by: 'nobody' };
  const rate = typeof configured === 'number' ? configured : windowAt(configured, now)?.rate;
  return { rate, by: 'configuration' };
}

/** A change of the hour is noticed within this. Milliseconds. */
const rateLifeMs = 1_000;

/** What everything that uploads in this process shares. */
export class UploadLimit {
  /** As somebody decided for now; whoever learns of it sets it. */
  override: LimitOverride | undefined;
  private readonly configured: ConfiguredLimit | undefined;
  private readonly bucket = new TokenBucket(() => this.rate());
  private known:
    | { readonly rate: number | undefined; readonly of: LimitOverride | undefined; readonly atMs: number }
    | undefined;

  constructor(configured: ConfiguredLimit | undefined) {
    this.configured = configured;
  }

  /** Bytes a second that hold now; undefined: no limit. */
  rate(): number | undefined {
    const atMs = performance.now();
    if (this.known === undefined || this.known.of !== this.override || atMs - this.known.atMs > rateLifeMs) {
      const { rate } = limitAt(this.configured, this.override, new Date());
      this.known = { rate, of: this.override, atMs };
    }
    return this.known.rate;
  }

  /** The body piece by piece, each when it may go. A change of the limit counts for what is left. */
  async *paced(body: Buffer): AsyncGenerator<Buffer> {
    for (let from = 0; from < body.length; ) {
      const piece = body.subarray(from, from + this.pieceBytes());
      await this.bucket.take(piece.length);
      yield piece;
      from += piece.length;
    }
  }

  /** Small beside what goes in a second, so that the flow is even and all uploads have their share. */
  private pieceBytes(): number {
    return Math.min(Math.max(Math.floor((this.rate() ?? largestPieceBytes) / 8), 1_024), largestPieceBytes);
  }
}

const largestPieceBytes = 64 * 1024;
