import { type LegalHold, legalHolds } from '../../catalog/legal-hold-query.ts';
import { newRunId } from '../../domain/ids.ts';
import type { Id } from '../../domain/records.ts';
import { isWithin } from '../../files/paths.ts';
import { type HoldingContext, liftLegalHold, placeLegalHold } from '../../retention/legal-hold.ts';
import { openRetained } from '../../retention/open.ts';
import { detail, say } from '../../text/voice.ts';
import { exactPath } from '../exact-path.ts';
import { localTime, printable, table } from '../output.ts';
import { pathFields } from '../rows.ts';
import { type Session, unlock, withCatalog } from '../session.ts';
import { parseTarget, requireSource } from '../target.ts';

export interface LegalHoldOptions {
  readonly reason: string;
  readonly case?: string;
}

export async function runLegalHoldPlace(
  session: Session,
  target: string,
  options: LegalHoldOptions,
): Promise<void> {
  await onTarget(session, target, options, async (context, request) => {
    const { output } = session;
    const placed = await placeLegalHold(context, { ...request, caseName: options.case ?? '' }, (objects) =>
      output.progress(say('retention', 'objects_held', { count: objects })),
    );
    output.value(holdJson(placed));
    output.line(say('retention', 'hold_placed', { what: named(placed), objects: placed.objects }));
  });
}

export async function runLegalHoldRelease(
  session: Session,
  target: string,
  options: LegalHoldOptions,
): Promise<void> {
  await onTarget(session, target, options, async (context, request) => {
    const released = await liftLegalHold(context, { ...request, caseName: options.case });
    session.output.value({ ...holdJson(released), released: true });
    session.output.line(say('retention', 'hold_released', { what: named(released) }));
  });
}

/** Holds that cover the target, and those on what lies below it. */
export async function runLegalHoldList(
  session: Session,
  target: string | undefined,
  { all }: { readonly all?: boolean },
): Promise<void> {
  const wanted = target === undefined ? undefined : parseTarget(target);
  await withCatalog(session, async (catalog) => {
    const sourceId = wanted === undefined ? undefined : await requireSource(catalog, wanted.source);
    const path =
      sourceId === undefined
        ? undefined
        : await exactPath(catalog, sourceId, wanted?.path ?? Buffer.alloc(0));
    const holds = (await legalHolds(catalog, { sourceId, all })).filter(
      (hold) => path === undefined || isWithin(path, hold.path) || isWithin(hold.path, path),
    );
    for (const hold of holds) session.output.value(holdJson(hold));
    const rows = holds.map((hold) => [
      localTime(hold.placedAt),
      named(hold),
      say('retention', 'objects', { count: hold.objects }),
      printable(hold.placedBy),
      printable(hold.reason),
      hold.releasedAt === null
        ? ''
        : say('retention', 'released_by', {
            at: localTime(hold.releasedAt),
            actor: printable(hold.releasedBy ?? ''),
            reason: printable(hold.releaseReason ?? ''),
          }),
    ]);
    session.output.line(rows.length > 0 ? table(rows) : say('retention', 'no_holds'));
  });
}

async function onTarget(
  session: Session,
  target: string,
  { reason }: LegalHoldOptions,
  work: (
    context: HoldingContext,
    request: { runId: Id; sourceId: Id; path: Buffer; reason: string; actor: string },
  ) => Promise<void>,
): Promise<void> {
  const wanted = parseTarget(target);
  const { config, ids } = await unlock(session);
  await withCatalog(session, async (catalog, where) => {
    const sourceId = await requireSource(catalog, wanted.source);
    const path = await exactPath(catalog, sourceId, wanted.path ?? Buffer.alloc(0));
    const destinations = await openRetained(config, where);
    const told = new Set<string>();
    // A server says the same of every object.
    const warn: HoldingContext['warn'] = (_, message) => {
      if (!told.has(message)) session.output.note(say('output', 'told', { message: detail(message) }));
      told.add(message);
    };
    const context = { catalog, ids, hostId: config.host.id, destinations, warn };
    try {
      await work(context, { runId: newRunId(), sourceId, path, reason, actor: session.actor });
    } finally {
      for (const { store } of destinations.values()) store.close();
    }
  });
}

const named = ({ source, path, caseName }: LegalHold): string =>
  printable(
    `${source}${path.length > 0 ? `:${path.toString('utf8')}` : ''}${caseName === '' ? '' : ` ${say('retention', 'case', { name: caseName })}`}`,
  );

function holdJson({ path, sourceId: _, ...hold }: LegalHold): object {
  return { ...hold, ...pathFields(path) };
}
