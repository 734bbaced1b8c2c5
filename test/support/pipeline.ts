/** The pipeline's steps on a real Postgres and real files, with a store, policy and scanner that tests can bend. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { pipelineSteps } from '../../src/audit/event.ts';
import { stepsOfVersion } from '../../src/catalog/audit-query.ts';
import { Catalog, type EntryRef, type VersionFacts } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import { revisionsAlike } from '../../src/catalog/policy-query.ts';
import type { Change } from '../../src/catalog/rows.ts';
import type { DestinationConfig, SourceConfig } from '../../src/config.ts';
import { Ids } from '../../src/domain/ids.ts';
import type {
  AdmissionResult,
  ApprovalTerms,
  Id,
  ReleaseInput,
  ReleaseResult,
  ScannerFacts,
  Verdict,
} from '../../src/domain/records.ts';
import type { Changed, Settled } from '../../src/domain/steps.ts';
import { openRoot } from '../../src/files/root.ts';
import { RepositoryKeys } from '../../src/keys/repository-keys.ts';
import { admit } from '../../src/pipeline/admit.ts';
import type { PipelineContext, StepRun } from '../../src/pipeline/context.ts';
import { fingerprint } from '../../src/pipeline/fingerprint.ts';
import { PartBuffers } from '../../src/pipeline/part-buffers.ts';
import { planAndRelease } from '../../src/pipeline/plan-and-release.ts';
import { scan } from '../../src/pipeline/scan.ts';
import { sealAndUpload } from '../../src/pipeline/seal-and-upload.ts';
import { Semaphore } from '../../src/pipeline/semaphore.ts';
import { Staging } from '../../src/pipeline/staging.ts';
import { upload } from '../../src/pipeline/upload.ts';
import type { PolicyEngine } from '../../src/policy/engine.ts';
import type { Scanner } from '../../src/scanner/scanner.ts';
import { openBytes } from '../../src/sealed/open.ts';
import { MemoryStore, type StoreCall } from '../../src/storage/memory-store.ts';
import type { ListedVersion } from '../../src/storage/object-store.ts';
import type { TestPostgres } from './postgres.ts';

const admission: AdmissionResult = {
  allow: true,
  reasons: [],
  classification: 'internal',
  scope: 'default',
  retention: { class: 'standard', mode: 'GOVERNANCE', days: 7 },
  scan: {
    required: true,
    allowTestSignatures: false,
    notScanned: {
      too_large: 'allow',
      encrypted: 'hold',
      limits: 'hold',
      timeout: 'retry',
      scanner_error: 'retry',
      stale_signatures: 'retry',
    },
  },
  format: 'sealed-v1',
  compression: { algorithm: 'none', level: 0 },
  destinations: ['primary'],
};

const clean: Verdict = {
  state: 'clean',
  engine: 'test 1',
  signatureRevision: 'r1',
  signaturesAt: '2026-01-01T00:00:00.000Z',
  signatureSet: 'official',
};

/** What a test may change at any moment; the steps see it at their next call. */
export interface Knobs {
  admission: AdmissionResult | (() => never);
  release: ReleaseResult | ((input: ReleaseInput) => ReleaseResult);
  approvalTerms: ApprovalTerms;
  bundleRevision: string;
  verdict: Verdict | (() => never);
  /** Called around every operation of the store. */
  fault: (call: StoreCall) => void;
  /** Milliseconds the store's clock is ahead. */
  storeAheadMs: number;
  quarantine: 'move' | 'copy' | 'report';
}

export interface World {
  readonly catalog: Catalog;
  readonly context: PipelineContext;
  readonly store: MemoryStore;
  readonly knobs: Knobs;
  /** The source's folder. */
  readonly folder: string;
  readonly quarantineDir: string;
  readonly stagingDir: string;
  /** Everything release was asked, in order. */
  readonly releaseInputs: ReleaseInput[];
  /** How many bytes the scanner was given, call by call. */
  readonly scannedBytes: number[];
  /** Operations on the store that began, in order, e.g. `put`. */
  readonly calls: string[];
  write(path: string | Buffer, content: string | Buffer): void;
  remove(path: string): void;
  /** The entry of a path, with a hint that it may have changed. */
  entry(path: string | Buffer): Promise<EntryRef>;
  /** Makes the version's recorded stat equal to the file's, as a change that leaves no trace in it would. */
  pretendUntouched(versionId: Id, path: string): Promise<void>;
  /** Of the tables' owner, who may what the program may not. */
  readonly ownerUri: string;
  /** Runs SQL as that owner. */
  asOwner(sql: string): Promise<void>;
  /** A context as another process of the same installation has it, with changes. */
  another(changes: Partial<PipelineContext>): PipelineContext;
  /** Every object version in the store, delete markers left out. */
  versions(): Promise<ListedVersion[]>;
  /** The plaintext of an object as the independent reader opens it. */
  open(version: ListedVersion): Promise<Buffer>;
  events(versionId: Id): Promise<{ step: string; facts: Record<string, unknown> }[]>;
}

let runs = 0;

/** How a step is run by a worker: `workflowRunId` of its own unless one is given. */
export function stepRun(workflowRunId = `workflow-run-${runs++}`, patienceMs = 60_000): StepRun {
  return {
    workflowId: 'protect:test',
    workflowRunId,
    patienceMs,
    heartbeat: () => {},
    signal: new AbortController().signal,
  };
}

/** @param told told of each change once it is durable */
export async function makeWorld(server: TestPostgres, told?: (change: Change) => void): Promise<World> {
  const { ownerUri, writerUri } = await server.database();
  const catalog = new Catalog(await openPool({ uri: writerUri }), told);
  const home = mkdtempSync(join(tmpdir(), 'holdfast-pipeline-'));
  onTestFinished(async () => {
    await catalog.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  });
  const [folder, quarantineDir, stagingDir] = ['source', 'quarantine', 'staging'].map((name) =>
    join(home, name),
  ) as [string, string, string];
  mkdirSync(folder);

  const knobs: Knobs = {
    admission,
    release: { allow: true, reasons: [] },
    approvalTerms: { approvers: [], required: { public: 1, internal: 1, confidential: 1, restricted: 1 } },
    bundleRevision: 'b'.repeat(64),
    verdict: clean,
    fault: () => {},
    storeAheadMs: 0,
    quarantine: 'move',
  };
  const calls: string[] = [];
  const store = new MemoryStore({
    name: 'primary',
    now: () => new Date(Date.now() + knobs.storeAheadMs),
    fault: (call) => {
      if (call.moment === 'before') calls.push(call.operation);
      knobs.fault(call);
    },
  });
  const releaseInputs: ReleaseInput[] = [];
  const scannedBytes: number[] = [];
  const ids = new Ids(Buffer.alloc(64, 5));
  const sourceId = ids.source('docs');
  const root = await openRoot(folder);
  await catalog.recordSource({
    id: sourceId,
    name: 'docs',
    rootPath: root.path,
    device: root.device,
    inode: root.inode,
    hostId: 'host',
  });
  const keys = new RepositoryKeys({
    root: { naming: Buffer.alloc(64, 3) },
    scopes: new Map([
      ['default', [{ key: { id: Buffer.alloc(16, 8), secret: Buffer.alloc(64, 9) } }]],
      ['restricted', [{ key: { id: Buffer.alloc(16, 10), secret: Buffer.alloc(64, 11) } }]],
      ['holdfast', [{ key: { id: Buffer.alloc(16, 12), secret: Buffer.alloc(64, 13) } }]],
    ]),
  });
  const sourceConfig: SourceConfig = {
    name: 'docs',
    path: folder,
    get quarantine() {
      return knobs.quarantine;
    },
    exclude: [],
    include: [],
    oneFileSystem: false,
    sweep: 'off',
    watch: 'auto',
    pollEvery: 60_000,
  };
  const destinationConfig: DestinationConfig = {
    name: 'primary',
    bucket: 'bucket',
    prefix: 'backup',
    jurisdiction: 'local',
    maxObjectSize: 5 * 1024 ** 4,
    lock: { mode: 'GOVERNANCE', days: 7 },
  };
  const context: PipelineContext = {
    hostId: 'host',
    catalog,
    ids,
    keys,
    policy: fakePolicy(knobs, releaseInputs),
    get bundleRevision() {
      return knobs.bundleRevision;
    },
    judgedAlike: (sourceId) => revisionsAlike(catalog, sourceId, knobs.bundleRevision),
    scanner: fakeScanner(knobs, scannedBytes),
    destinations: new Map([['primary', { config: destinationConfig, store, facts: () => store.facts() }]]),
    sources: new Map([[sourceId, { id: sourceId, config: sourceConfig, root: async () => root }]]),
    staging: new Staging(stagingDir),
    quarantineDir,
    semaphores: {
      disk: new Semaphore(4),
      scanner: new Semaphore(4),
      upload: new Semaphore(8),
      tombstone: new Semaphore(1),
      hardlink: new Semaphore(1),
    },
    partBuffers: new PartBuffers(64 * 1024 * 1024),
    failPoints: { reach: () => {} },
    log: pino({ level: 'silent' }),
  };
  return {
    catalog,
    context,
    store,
    knobs,
    folder,
    quarantineDir,
    stagingDir,
    releaseInputs,
    scannedBytes,
    calls,
    ownerUri,
    write: (path, content) =>
      writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path)]), content),
    remove: (path) => rmSync(join(folder, path)),
    async entry(path) {
      const bytes = Buffer.from(path);
      const entry = { id: ids.entry(sourceId, bytes), sourceId, path: bytes };
      await catalog.hint([entry]);
      return entry;
    },
    async pretendUntouched(versionId, path) {
      const stat = statSync(join(folder, path), { bigint: true });
      await catalog.rows(
        'update versions set mtime_ns = $2, ctime_ns = $3, inode = $4, device = $5 where id = $1',
        [versionId, String(stat.mtimeNs), String(stat.ctimeNs), String(stat.ino), String(stat.dev)],
      );
    },
    async asOwner(sql) {
      const owner = new pg.Client(ownerUri);
      await owner.connect();
      await owner.query(sql).finally(() => owner.end());
    },
    another: (changes) =>
      Object.create(context, Object.getOwnPropertyDescriptors(changes)) as PipelineContext,
    async versions() {
      const found: ListedVersion[] = [];
      for await (const version of store.listVersions('')) if (!version.isDeleteMarker) found.push(version);
      return found;
    },
    async open(version) {
      const opened = await openBytes(await store.get(version), {
        keys: (id) => keys.byId(id),
        purpose: 'content',
      });
      return opened.content();
    },
    async events(versionId) {
      const steps = await stepsOfVersion(catalog, versionId);
      const places = new Map<string, number>(pipelineSteps.map((step, index) => [step, index]));
      const place = ({ step }: { step: string }): number => places.get(step) ?? -1;
      return steps
        .sort((a, b) => place(a) - place(b) || a.ordinal - b.ordinal)
        .map(({ step, facts }) => ({ step, facts }));
    },
  };
}

function fakePolicy(knobs: Knobs, releaseInputs: ReleaseInput[]): PolicyEngine {
  let decisions = 0;
  const decision = <Result>(result: Result) => ({
    result,
    bundleRevision: knobs.bundleRevision,
    decisionId: `decision-${decisions++}`,
  });
  return {
    async admit() {
      return decision(typeof knobs.admission === 'function' ? knobs.admission() : knobs.admission);
    },
    async admitMany(inputs) {
      return Promise.all(inputs.map((input) => this.admit(input)));
    },
    async releaseMany(inputs) {
      return Promise.all(inputs.map((input) => this.release(input)));
    },
    async release(input) {
      releaseInputs.push(input);
      return decision(typeof knobs.release === 'function' ? knobs.release(input) : knobs.release);
    },
    retentionClasses: async () =>
      decision({
        standard: { mode: 'GOVERNANCE', days: 7, versions: 10, minimumDays: 30, erasable: false },
      }),
    approvalTerms: async () => decision(knobs.approvalTerms),
    ping: async () => ({ revision: knobs.bundleRevision }),
  };
}

function fakeScanner(knobs: Knobs, scannedBytes: number[]): Scanner {
  const verdict = (): Verdict => (typeof knobs.verdict === 'function' ? knobs.verdict() : knobs.verdict);
  let remembered: Promise<ScannerFacts> | undefined;
  /** As the real one does it, if for longer: an answer is remembered, a failure is not. */
  const askFacts = async (): Promise<ScannerFacts> => {
    remembered = undefined;
    const { engine, signatureRevision, signaturesAt, signatureSet } = verdict();
    remembered = Promise.resolve({ engine, signatureRevision, signaturesAt, signatureSet });
    return remembered;
  };
  return {
    async scan(content) {
      let sizeBytes = 0;
      for await (const bytes of content) sizeBytes += bytes.length;
      scannedBytes.push(sizeBytes);
      return verdict();
    },
    async scanMany(contents) {
      scannedBytes.push(...contents.map(({ length }) => length));
      return contents.map(() => verdict());
    },
    facts: () => remembered ?? askFacts(),
    currentFacts: askFacts,
    isStale: () => false,
    async ping() {
      verdict();
    },
  };
}

/** The newest settled version of an entry; undefined where there is none. */
export async function headOf({ catalog }: World, entryId: Id): Promise<VersionFacts | undefined> {
  const [row] = await catalog.rows<{ id: Id | null }>(
    'select head_version_id as id from entries where id = $1',
    [entryId],
  );
  return row?.id ? catalog.version(row.id) : undefined;
}

export const denied = (id: string): ReleaseResult => ({
  allow: false,
  reasons: [{ id, text: 'denied by the test' }],
});

/** Deterministic bytes that do not compress. */
export function noise(sizeBytes: number, label = 'noise'): Buffer {
  return createHash('shake256', { outputLength: sizeBytes }).update(label).digest();
}

/** Looks at an entry and judges it, up to where content would be sealed; what ends earlier is the answer. */
export async function untilScanned(
  context: PipelineContext,
  entry: EntryRef,
  run = stepRun(),
  round = 0,
  runId = 'run',
): Promise<{ versionId: Id; large: boolean } | Settled | Changed> {
  const look = { entryId: entry.id, runId, round };
  const near = await fingerprint(context, look, run);
  const seen = near.next === 'large' ? await fingerprint(context, { ...look, large: true }, run) : near;
  if (seen.next !== 'admit') return seen as Settled | Changed;
  const admitted = await admit(context, seen);
  if (admitted.next !== 'scan') return admitted as Settled;
  const scanned = await scan(context, { versionId: seen.versionId, last: true }, run);
  return scanned.next === 'seal'
    ? { versionId: seen.versionId, large: seen.large }
    : (scanned as Settled | Changed);
}

/** Seals, releases and uploads a scanned version, to its end. */
export async function untilUploaded(
  context: PipelineContext,
  { versionId, large }: { versionId: Id; large: boolean },
  run = stepRun(),
): Promise<Settled | Changed> {
  for (;;) {
    const planned = await (large ? planAndRelease : sealAndUpload)(context, { versionId }, run);
    if (planned.next === 'wait') await sleep(20);
    else if (planned.next !== 'upload') return planned as Settled | Changed;
    else {
      const uploaded = await upload(context, { versionId }, run);
      if (uploaded.next !== 'plan') return uploaded as Settled | Changed;
    }
  }
}

/** All steps of one look at an entry. */
export async function protectOnce(
  context: PipelineContext,
  entry: EntryRef,
  run = stepRun(),
  round = 0,
  runId = 'run',
): Promise<Settled | Changed> {
  const scanned = await untilScanned(context, entry, run, round, runId);
  return 'next' in scanned ? scanned : untilUploaded(context, scanned, run);
}
