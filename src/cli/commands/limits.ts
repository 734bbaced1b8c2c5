import { auditEvent } from '../../audit/event.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { Failure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import { detail, say, spoken } from '../../text/voice.ts';
import { parseRate, rateForm, rateText } from '../../throttle/rate.ts';
import { readOverride, writeOverride } from '../../throttle/state.ts';
import { type LimitOverride, limitAt } from '../../throttle/upload-limit.ts';
import { localTime } from '../output.ts';
import { type Session, sessionConfig, unlock, withCatalog } from '../session.ts';

/** What uploads may take now, and why. */
export async function runLimitsShow(session: Session): Promise<void> {
  await withCatalog(session, (catalog) => show(session, catalog));
}

async function show(session: Session, catalog: Catalog): Promise<void> {
  const { output } = session;
  const { upload } = sessionConfig(session).limits;
  const override = await readOverride(catalog);
  const { rate, by } = limitAt(upload, override, new Date());
  const until = by === 'command' ? (override?.until ?? null) : null;
  output.value({ upload: { bytesPerSecond: rate ?? null, by, until } });
  const limit =
    rate === undefined
      ? say('limits', 'no_limit')
      : say('limits', 'at_most', { rate: rateText(rate, spoken(), say('output', 'byte_letter')) });
  const why = {
    command:
      until === null
        ? say('limits', 'by_command')
        : say('limits', 'by_command_until', { at: localTime(new Date(until)) }),
    configuration: rate === undefined ? say('limits', 'outside_hours') : say('limits', 'by_configuration'),
    nobody: say('limits', 'none_configured'),
  };
  output.line(say('limits', 'uploads', { limit, why: why[by] }));
}

/** Failure `usage` for what is no rate, or no duration. */
export async function runLimitsSet(
  session: Session,
  what: string,
  rate: string,
  { for: duration }: { readonly for?: string },
): Promise<void> {
  requireUpload(what);
  const override: LimitOverride = {
    rate: rate === 'none' ? null : requireRate(rate),
    until: duration === undefined ? null : new Date(Date.now() + requireDuration(duration)).toISOString(),
  };
  await decide(session, override, {
    action: 'limit-set',
    bytesPerSecond: override.rate === null ? 'none' : Math.round(override.rate),
    until: override.until ?? 'reset',
  });
}

export async function runLimitsReset(session: Session, what: string): Promise<void> {
  requireUpload(what);
  await decide(session, undefined, { action: 'limit-reset' });
}

async function decide(
  session: Session,
  override: LimitOverride | undefined,
  facts: Readonly<Record<string, string | number>>,
): Promise<void> {
  const { ids, config } = await unlock(session);
  await withCatalog(session, async (catalog) => {
    const run = newRunId();
    const event = auditEvent(ids, {
      ...{ subject: run, step: 'configuration', run, host: config.host.id, actor: session.actor },
      facts: { what: 'limits.upload', ...facts },
    });
    await writeOverride(catalog, override, event);
    await show(session, catalog);
  });
}

function requireUpload(what: string): void {
  if (what !== 'upload')
    throw new Failure('usage', { detail: say('limits', 'no_such_limit', { name: what }) });
}

function requireRate(text: string): number {
  const rate = parseRate(text);
  if (rate === undefined)
    throw new Failure('usage', { detail: say('limits', 'no_rate', { given: text, form: detail(rateForm) }) });
  return rate;
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function requireDuration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,4})([mhd])$/.exec(text) ?? [];
  const ms = Number(count) * (unitMs[unit] ?? Number.NaN);
  if (!(ms > 0)) throw new Failure('usage', { detail: say('limits', 'no_duration', { given: text }) });
  return ms;
}
