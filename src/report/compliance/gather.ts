import { hash } from 'node:crypto';
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Rows } from '../../catalog/database.ts';
import type { Config } from '../../config.ts';
import type { Id } from '../../domain/records.ts';
import { isException, type QueryName } from '../queries/all.ts';
import {
  type CountedRow,
  catalogTime,
  countOf,
  newestRows,
  onOneState,
  type QueryAnswer,
} from '../queries/ask.ts';
import type { QueryParameters } from '../queries/query.ts';
import { type ControlState, judgedControl } from './judge.ts';
import type { Control, Mapping } from './mapping.ts';

/** A number with the newest of what it counts. */
export interface Counted extends QueryAnswer {
  readonly name: QueryName;
  readonly samples: readonly CountedRow[];
}

export interface ReportedControl {
  readonly control: Control;
  readonly state: ControlState;
  /** In the order of the control's queries. */
  readonly numbers: readonly (Counted & Control['queries'][number])[];
}

/** A copy of a signed head in a bucket, where nobody can change it before its lock ends. */
export interface ReportedAnchor {
  readonly destination: string;
  readonly number: number;
  readonly objectVersion: string;
  readonly lockMode: string | null;
  readonly retainUntil: Date | null;
  readonly at: Date;
}

/** The newest signed head of the audit trail. */
export interface ReportedHead {
  readonly number: number;
  readonly at: Date;
  /** Events since the head before. */
  readonly size: number;
  /** Number of the newest event it covers. */
  readonly lastEvent: number;
  readonly root: string;
  readonly history: string;
  /** Id of the key that signed it: the first 16 bytes of the SHA-256 of the public key, hex. */
  readonly key: Id;
  readonly sha256: string;
  readonly anchors: readonly ReportedAnchor[];
}

/** Everything that a page says. */
export interface ComplianceReport {
  readonly mapping: Mapping;
  readonly from: Date;
  readonly to: Date;
  readonly madeAt: Date;
  /** When the oldest event on record was; undefined where there is none. */
  readonly recordBeginsAt: Date | undefined;
  readonly parameters: QueryParameters;
  readonly config: Pick<Config, 'repository' | 'host' | 'sources' | 'destinations' | 'breaches' | 'timezone'>;
  readonly softwareVersion: string;
  readonly actor: string;
  readonly controls: readonly ReportedControl[];
  /** Undefined until something is signed. */
  readonly head: ReportedHead | undefined;
}

export interface ReportRequest {
  readonly mapping: Mapping;
  readonly from: Date;
  /** What lies ahead of the catalog's clock ends now. */
  readonly to: Date;
  readonly config: Config;
  readonly softwareVersion: string;
  readonly actor: string;
  readonly onProgress: (query: QueryName) => void;
}

/** Rows that are shown of what was met, and of what was not. */
const mostSamples = 10;
const mostExceptions = 100;

/** Asks everything a mapping needs of one state of the catalog. */
export function gatherReport(catalog: Catalog, request: ReportRequest): Promise<ComplianceReport> {
  return onOneState(catalog, (rows) => reportFrom(rows, request));
}

/** @param rows asked within one transaction */
export async function reportFrom(rows: Rows, request: ReportRequest): Promise<ComplianceReport> {
  const { mapping, from, config, softwareVersion, actor, onProgress } = request;
  const madeAt = await catalogTime(rows);
  const to = new Date(Math.min(request.to.getTime(), madeAt.getTime()));
  const parameters: QueryParameters = { from, to, notify_within_ms: config.breaches.notifyWithin };
  const names = [...new Set(mapping.controls.flatMap(({ queries }) => queries.map(({ name }) => name)))];
  const counted = new Map<QueryName, Counted>();
  for (const name of names) {
    onProgress(name);
    counted.set(name, await counting(rows, name, parameters));
  }
  return {
    ...{ mapping, from, to, madeAt, parameters, config, softwareVersion, actor },
    recordBeginsAt: await recordBeginning(rows),
    controls: mapping.controls.map((control) => reported(control, counted)),
    head: await newestHead(rows),
  };
}

async function counting(rows: Rows, name: QueryName, parameters: QueryParameters): Promise<Counted> {
  const answer = await countOf(rows, name, parameters);
  const most = isException(name) ? mostExceptions : mostSamples;
  const samples = answer.value === 0 ? [] : await newestRows(rows, name, parameters, most);
  return { name, ...answer, samples };
}

function reported(control: Control, counted: ReadonlyMap<QueryName, Counted>): ReportedControl {
  const numbers = control.queries.flatMap((query) => {
    const number = counted.get(query.name);
    return number === undefined ? [] : [{ ...number, ...query }];
  });
  const state = judgedControl(control, (name) => counted.get(name)?.value ?? 0);
  return { control, state, numbers };
}

async function recordBeginning(rows: Rows): Promise<Date | undefined> {
  const [row] = (await rows('select at from audit_events order by number limit 1', [])) as { at: Date }[];
  return row?.at;
}

/** What of a head (docs/audit.md section 3) is told. */
const headSchema = z.object({
  size: z.int(),
  last: z.int(),
  root: z.string(),
  history: z.string(),
  key: z.string(),
});

async function newestHead(rows: Rows): Promise<ReportedHead | undefined> {
  const [found] = (await rows(
    'select number, head, at from audit_heads order by number desc limit 1',
    [],
  )) as {
    number: number;
    head: Buffer;
    at: Date;
  }[];
  if (found === undefined) return undefined;
  const { size, last, root, history, key } = headSchema.parse(JSON.parse(found.head.toString('utf8')));
  const anchors = (await rows(
    `select distinct on (destination) destination, number, s3_version_id as "objectVersion", lock_mode as "lockMode",
            retain_until as "retainUntil", at
     from audit_anchors where s3_version_id is not null order by destination, number desc`,
    [],
  )) as ReportedAnchor[];
  return {
    ...{ number: found.number, at: found.at, size, lastEvent: last, root, history, key },
    sha256: hash('sha256', found.head, 'hex'),
    anchors,
  };
}
