import {
  anchorCovering,
  decisionsOf,
  eventsOfVersion,
  type HeadRow,
  headCovering,
  headsAfter,
  makersOf,
  nextLeaves,
  type StoredDecision,
} from '../catalog/audit-query.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { StoredEvent } from '../catalog/stored-events.ts';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { openQuestion, withoutNames } from '../pipeline/evidence.ts';
import { prefixed } from '../sealed/names.ts';
import { say } from '../text/voice.ts';
import { anchorName, type Head, openHead } from './head.ts';
import type { AuditSigner } from './keys.ts';
import { auditPath, leafHash, treeRoot } from './merkle.ts';

export interface ProveDeps {
  readonly catalog: Catalog;
  readonly repository: Id;
  /** Those of the keyring, in their order: the last one signs. */
  readonly signers: readonly AuditSigner[];
  readonly keys: Parameters<typeof openQuestion>[0];
  readonly destinations: readonly {
    readonly name: string;
    readonly bucket: string;
    readonly prefix: string;
  }[];
}

export interface ProveRequest {
  readonly versionId: Id;
  /** Leaves out path and name: the proof then says that policy was told of one, and by its hash which. */
  readonly withholdPath: boolean;
}

/**
 * All that somebody outside needs to believe what happened to a version, as canonical JSON (docs/audit.md section 7): its
 * events with their way up to an anchored head, and what policy was asked. Failures: `proof_not_anchored`,
 * `audit_mismatch` where the trail is not what was signed, `path_unknown` for a version of which nothing is told.
 */
export async function proveVersion(deps: ProveDeps, request: ProveRequest): Promise<Buffer> {
  const { catalog, repository, signers } = deps;
  const signer = signers.at(-1);
  if (signer === undefined) throw new TypeError('a proof is signed');
  const { versionId } = request;
  const told = await eventsToProve(catalog, versionId);
  const heads = await headsOf(catalog, told);
  const numbers = [...heads.values()].map(({ number }) => number);
  const anchor = await anchorCovering(catalog, Math.max(...numbers));
  if (anchor === undefined) throw new Failure('proof_not_anchored');
  const destination = deps.destinations.find(({ name }) => name === anchor.destination);
  const unsigned = {
    v: 1,
    proof: 'holdfast',
    repository,
    madeAt: new Date().toISOString(),
    version: versionId,
    events: await Promise.all(told.map((event) => eventProof(deps, event, heads))),
    heads: await headProofs(deps, new Set(numbers), anchor.number),
    anchor: {
      destination: anchor.destination,
      bucket: destination?.bucket ?? '',
      object: prefixed(destination?.prefix ?? '', anchorName(anchor.number)),
      s3VersionId: anchor.s3VersionId,
      lockMode: anchor.lockMode,
      retainUntil: anchor.retainUntil?.toISOString() ?? null,
    },
    decisions: (await decisionsOf(catalog, versionId)).map((row) => decisionProof(deps, row, request)),
    key: signer.id,
  };
  const signature = signer.sign('holdfast/1/audit proof', canonical(unsigned));
  return canonical({ ...unsigned, signature: signature.toString('base64url') });
}

/** Who read a file is no part of how it was protected. */
const leftOut: ReadonlySet<unknown> = new Set(['restore']);
/** What is told of an object in the version it was made for. */
const ofTheObject: ReadonlySet<unknown> = new Set(['upload', 'read_back']);

async function eventsToProve(catalog: Catalog, versionId: Id): Promise<StoredEvent[]> {
  const own = (await eventsOfVersion(catalog, versionId)).filter(({ event }) => !leftOut.has(event.step));
  if (own.length === 0) throw new Failure('path_unknown');
  const makers = await Promise.all(
    (await makersOf(catalog, versionId)).map((id) => eventsOfVersion(catalog, id)),
  );
  const made = makers.flat().filter(({ event }) => stepsOf(event).some((step) => ofTheObject.has(step)));
  return [...own, ...made].sort((a, b) => a.number - b.number);
}

/** An event tells one step, or several that became durable together. */
function stepsOf(event: StoredEvent['event']): unknown[] {
  const steps = event.steps as readonly { readonly step: unknown }[] | undefined;
  return steps === undefined ? [event.step] : steps.map(({ step }) => step);
}

/** By the event's number. */
async function headsOf(catalog: Catalog, told: readonly StoredEvent[]): Promise<Map<number, HeadRow>> {
  const heads = new Map<number, HeadRow>();
  for (const { number } of told) {
    const head = await headCovering(catalog, number);
    if (head === undefined) throw new Failure('proof_not_anchored');
    heads.set(number, head);
  }
  return heads;
}

async function eventProof(
  deps: ProveDeps,
  { number, event, json }: StoredEvent,
  heads: ReadonlyMap<number, HeadRow>,
) {
  const row = heads.get(number);
  if (row === undefined) throw new TypeError('an event without its head');
  const { catalog } = deps;
  const head = openedHead(deps, row);
  const [before] = await headsAfter(catalog, row.number - 2, 1);
  const after = before !== undefined && before.number < row.number ? before.lastEvent : undefined;
  const range = { after, upTo: row.lastEvent, most: head.size + 1 };
  const batch = await nextLeaves((sql, values) => catalog.rows(sql, [...values]), range);
  const leaf = leafHash(json);
  const index = batch?.leaves.findIndex((one) => one.equals(leaf)) ?? -1;
  if (batch === undefined || index === -1 || treeRoot(batch.leaves).toString('hex') !== head.root)
    throw new Failure('audit_mismatch', {
      detail: say('audit', 'events_changed', { number: String(row.number) }),
    });
  return { event, head: row.number, index, path: auditPath(batch.leaves, index).map(hex) };
}

/**
 * The heads that cover the events, each with its way into the anchored one, which comes last and has none. Of all other heads
 * only the hash is kept in memory.
 */
async function headProofs(deps: ProveDeps, numbers: ReadonlySet<number>, anchored: number) {
  const shown: HeadRow[] = [];
  const hashes: Buffer[] = [];
  for (let after = 0; after < anchored; ) {
    const page = await headsAfter(deps.catalog, after, 1_000);
    for (const row of page.filter(({ number }) => number <= anchored)) {
      if (numbers.has(row.number) || row.number === anchored) shown.push(row);
      if (row.number < anchored) hashes.push(leafHash(row.head));
    }
    const newest = page.at(-1);
    if (newest === undefined) break;
    after = newest.number;
  }
  const newest = shown.at(-1);
  const isWhole = newest?.number === anchored && openedHead(deps, newest).first === anchored - hashes.length;
  if (!isWhole)
    throw new Failure('audit_mismatch', { detail: say('audit', 'heads_gone', { number: String(anchored) }) });
  return shown.map((row) => {
    const head = openedHead(deps, row);
    const path = row.number === anchored ? [] : auditPath(hashes, head.number - head.first).map(hex);
    return { head, signature: row.signature.toString('base64url'), path };
  });
}

/** What policy was asked: in full, or by its hash where nobody here can open it (any more). */
function decisionProof({ keys }: ProveDeps, row: StoredDecision, { withholdPath }: ProveRequest) {
  const question = openQuestion(keys, row);
  if (question === undefined) return { decision: row.id, gate: row.gate };
  const { input, salt } = question;
  const withheld = { decision: row.id, gate: row.gate, ...withoutNames(input, salt) };
  return withholdPath ? withheld : { ...withheld, salt: salt.toString('base64url'), private: input.entry };
}

/** Failure `audit_mismatch` where it is none of ours: whoever owns the table can put anything there. */
function openedHead({ repository, signers }: ProveDeps, { number, head, signature }: HeadRow): Head {
  const opened = openHead(head, signature, repository, signers)?.head;
  if (opened?.number !== number)
    throw new Failure('audit_mismatch', { detail: say('audit', 'head_changed', { number: String(number) }) });
  return opened;
}

const hex = (bytes: Buffer): string => bytes.toString('hex');
