import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config.ts';
import { Failure, isFailure } from '../domain/failures.ts';
import type { ApprovalTerms, Id } from '../domain/records.ts';
import { globMatcher } from '../files/glob.ts';
import { attemptsOf, type Register, validApprovals } from '../holds/attempts.ts';
import { type HeldFile, type HoldFilter, heldFile, heldFiles } from '../holds/held.ts';
import { termsOf } from '../holds/statement.ts';
import { OpaEngine } from '../policy/opa-engine.ts';
import type { Endpoints } from '../stack/endpoints.ts';
import { say } from '../text/voice.ts';
import { bytes, localTime, printable, table } from './output.ts';
import { pathFields } from './rows.ts';
import { reasonText, word } from './words.ts';

/** How a command chooses holds. */
export interface HoldChoice {
  readonly source?: string;
  readonly classification?: string;
  readonly olderThan?: Date;
  readonly path?: string;
}

/** A held file as `hold list` prints it: names in this shape are promises. */
export interface HeldRow {
  readonly hold: Id;
  readonly source: string;
  readonly path: string;
  readonly pathBytes?: string;
  readonly destination: string;
  readonly state: string;
  readonly reason: string;
  readonly classification: string;
  readonly sizeBytes: number;
  /** ISO 8601 UTC. */
  readonly openedAt: string;
  readonly expiresAt: string;
  readonly host: Id;
  readonly staged: string;
  /** Who has approved it, as far as that counts now; null where policy cannot be asked. */
  readonly approvals: readonly string[] | null;
  readonly needed: number | null;
  readonly isSuperseded: boolean;
}

/** The holds that a command is about. Failure `usage` for a glob that says nothing. */
export async function* chosenHolds(
  catalog: Catalog,
  choice: HoldChoice,
  state?: HoldFilter['state'],
): AsyncGenerator<HeldFile> {
  const { source, classification, olderThan: openedBefore, path } = choice;
  const matches = path === undefined ? () => true : globMatcher(path);
  const filter = { source, classification, openedBefore, ...(state === undefined ? {} : { state }) };
  for await (const held of heldFiles(catalog, filter)) if (matches(held.path)) yield held;
}

/** Failure `hold_unknown`, also for what is no id at all. */
export function namedHold(catalog: Catalog, id: string): Promise<HeldFile> {
  if (!/^[0-9a-f]{32}$/.test(id)) throw new Failure('hold_unknown', { hold: printable(id) });
  return heldFile(catalog, id);
}

/** Who may approve and how many it takes, as policy says now; undefined where it cannot be asked. */
export async function approvalTerms(where: Endpoints): Promise<ApprovalTerms | undefined> {
  try {
    return (await new OpaEngine({ socketPath: where.opaSocket, timeoutMs: 3_000 }).approvalTerms()).result;
  } catch (error) {
    if (isFailure(error)) return undefined;
    throw error;
  }
}

/** What decisions about the hold are held against; undefined where its destination is not configured any more. */
export function registerFor(config: Config, held: HeldFile, approvers: ApprovalTerms): Register | undefined {
  const destination = config.destinations.find(({ name }) => name === held.destination);
  if (destination === undefined) return undefined;
  return { terms: termsOf(config.repository, held, destination), approvers: approvers.approvers };
}

export async function heldRow(
  catalog: Catalog,
  config: Config,
  held: HeldFile,
  terms: ApprovalTerms | undefined,
): Promise<HeldRow> {
  const register = terms && registerFor(config, held, terms);
  const approvals = register && validApprovals(await attemptsOf(catalog, held.id), held, register);
  const { classification } = held.admission;
  return {
    hold: held.id,
    source: held.source,
    ...pathFields(held.path),
    destination: held.destination,
    state: held.state,
    reason: held.reason,
    classification,
    sizeBytes: held.sizeBytes,
    openedAt: held.openedAt.toISOString(),
    expiresAt: expiry(config, held).toISOString(),
    host: held.hostId,
    staged: held.staged,
    approvals: approvals?.map(({ approver }) => approver) ?? null,
    needed: terms?.required[classification] ?? null,
    isSuperseded: held.isSuperseded,
  };
}

const expiry = (config: Config, { openedAt }: Pick<HeldFile, 'openedAt'>): Date =>
  new Date(openedAt.getTime() + config.staging.expires);

export function heldTable(rows: readonly HeldRow[], config: Config): string {
  const head = [
    say('holds', 'head_hold'),
    say('holds', 'head_held'),
    say('holds', 'head_expires'),
    say('holds', 'head_size'),
    say('holds', 'head_why'),
    say('holds', 'head_approved'),
    say('holds', 'head_file'),
    '',
  ];
  return table(
    [
      head,
      ...rows.map((row) => [
        row.hold,
        age(Date.parse(row.openedAt)),
        row.state === 'open' ? localTime(new Date(row.expiresAt)) : word(row.state),
        bytes(row.sizeBytes),
        reasonText(row.reason),
        row.approvals === null
          ? '?'
          : say('holds', 'approvals_of', { have: row.approvals.length, needed: String(row.needed) }),
        printable(`${row.source}:${row.path}`),
        remarks(row, config),
      ]),
    ],
    [3],
  );
}

function remarks(row: HeldRow, config: Config): string {
  return [
    row.host === config.host.id ? undefined : say('holds', 'on_host', { host: row.host }),
    row.staged === 'whole' ? undefined : word(row.staged).toLocaleUpperCase(),
    row.isSuperseded ? say('holds', 'changed_since') : undefined,
  ]
    .filter((remark) => remark !== undefined)
    .join(', ');
}

/** How long ago, in the largest unit that makes sense. */
function age(since: number): string {
  const minutes = Math.max(0, Math.floor((Date.now() - since) / 60_000));
  if (minutes < 120) return say('holds', 'minutes', { minutes });
  return minutes < 2 * 1_440
    ? say('holds', 'hours', { hours: Math.floor(minutes / 60) })
    : say('holds', 'days', { days: Math.floor(minutes / 1_440) });
}
