import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { isFailure } from '../../domain/failures.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

/** What an upload or another operation can come to, besides going well: each is there from the start. */
const failureCodes = [
  's3_unavailable',
  's3_denied',
  's3_corrupt',
  's3_wrong_region',
  'bucket_missing',
  'upload_missing',
  'lock_refused',
  'internal',
] as const;

/** `PutResult` and `CompleteResult`. */
const uploadResults = ['stored', 'exists', 'conflict', 'upload_gone'] as const;

/** What is timed of a store. */
const operations = [
  'facts',
  'ensure_bucket',
  'put',
  'put_document',
  'create_multipart',
  'upload_part',
  'list_parts',
  'complete_multipart',
  'abort_multipart',
  'head',
  'get',
  'get_stream',
  'versions_of',
  'extend_lock',
  'set_legal_hold',
  'delete_version',
] as const;
type Operation = (typeof operations)[number];

const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600];

/** What requests to the destinations come to, whoever makes them: pipeline, copies, samples, manifests, audit anchors. */
export class StoreMetrics {
  private readonly uploads: Counter<'destination' | 'result'>;
  private readonly requests: Histogram<'destination' | 'operation'>;
  private readonly failures: Counter<'destination' | 'code'>;
  private readonly sentBytes: Counter<'destination'>;
  private readonly receivedBytes: Counter<'destination'>;
  private readonly up: Gauge<'destination'>;

  constructor(registry: Registry, destinations: readonly string[]) {
    const registers = [registry];
    const labelNames = ['destination'] as const;
    this.uploads = new Counter({
      name: 'holdfast_uploads_total',
      help: 'Tries to store an object: stored, exists (there already), conflict and upload_gone (parts go again), or the code of the failure.',
      labelNames: ['destination', 'result'],
      registers,
    });
    this.requests = new Histogram({
      name: 'holdfast_s3_request_duration_seconds',
      help: 'Time that an operation on a destination took, tries again included.',
      labelNames: ['destination', 'operation'],
      buckets: requestBuckets,
      registers,
    });
    this.failures = new Counter({
      name: 'holdfast_s3_failures_total',
      help: 'Operations on a destination that failed, by the code of the failure.',
      labelNames: ['destination', 'code'],
      registers,
    });
    this.sentBytes = new Counter({
      name: 'holdfast_sent_bytes_total',
      help: 'Sealed bytes that a destination took.',
      labelNames,
      registers,
    });
    this.receivedBytes = new Counter({
      name: 'holdfast_received_bytes_total',
      help: 'Sealed bytes that were read from a destination.',
      labelNames,
      registers,
    });
    this.up = new Gauge({
      name: 'holdfast_destination_up',
      help: 'Whether the destination answered when it was last asked; each is asked at least once a minute.',
      labelNames,
      registers,
    });
    for (const destination of destinations) {
      for (const operation of operations) this.requests.zero({ destination, operation });
      this.sentBytes.inc({ destination }, 0);
      this.receivedBytes.inc({ destination }, 0);
      for (const result of [...uploadResults, ...failureCodes]) this.uploads.inc({ destination, result }, 0);
      for (const code of failureCodes) this.failures.inc({ destination, code }, 0);
    }
  }

  /** The same store, whose calls are counted. */
  observed(store: ObjectStore): ObjectStore {
    const { name: destination } = store;
    const timed = async <T>(operation: Operation, work: () => Promise<T>): Promise<T> => {
      const end = this.requests.startTimer({ destination, operation });
      try {
        const result = await work();
        this.up.set({ destination }, 1);
        return result;
      } catch (error) {
        const code = codeOf(error);
        this.failures.inc({ destination, code });
        // Whatever else it says, it answers.
        this.up.set({ destination }, code === 's3_unavailable' ? 0 : 1);
        throw error;
      } finally {
        end();
      }
    };
    /** A step of an upload: where it fails, so does the upload. */
    const uploading = <T>(operation: Operation, work: () => Promise<T>): Promise<T> =>
      timed(operation, work).catch((error: unknown) => {
        this.uploads.inc({ destination, result: codeOf(error) });
        throw error;
      });
    const stored = <T extends { readonly kind: string }>(result: T): T => {
      this.uploads.inc({ destination, result: result.kind });
      return result;
    };
    const put = async <T extends { readonly kind: string }>(
      operation: Operation,
      sizeBytes: number,
      work: () => Promise<T>,
    ): Promise<T> => {
      const result = stored(await uploading(operation, work));
      if (result.kind === 'stored') this.sentBytes.inc({ destination }, sizeBytes);
      return result;
    };
    const received = (sizeBytes: number): void => this.receivedBytes.inc({ destination }, sizeBytes);
    return {
      name: store.name,
      facts: () => timed('facts', () => store.facts()),
      ensureBucket: () => timed('ensure_bucket', () => store.ensureBucket()),
      lockUntil: (lock) => store.lockUntil(lock),
      put: (object) => put('put', object.body.length, () => store.put(object)),
      putSmallDocument: (document) =>
        put('put_document', document.body.length, () => store.putSmallDocument(document)),
      createMultipart: (object) => uploading('create_multipart', () => store.createMultipart(object)),
      uploadPart: async (part) => {
        const sent = await uploading('upload_part', () => store.uploadPart(part));
        this.sentBytes.inc({ destination }, part.body.length);
        return sent;
      },
      listParts: (upload) => timed('list_parts', () => store.listParts(upload)),
      completeMultipart: async (upload) =>
        stored(await uploading('complete_multipart', () => store.completeMultipart(upload))),
      abortMultipart: (upload) => timed('abort_multipart', () => store.abortMultipart(upload)),
      listMultiparts: (prefix) => store.listMultiparts(prefix),
      head: (object) => timed('head', () => store.head(object)),
      get: async (object) => {
        const bytes = await timed('get', () => store.get(object));
        received(bytes.length);
        return bytes;
      },
      getStream: async (object) =>
        counted(await timed('get_stream', () => store.getStream(object)), received),
      listVersions: (prefix) => store.listVersions(prefix),
      versionsOf: (key) => timed('versions_of', () => store.versionsOf(key)),
      extendLock: (object) => timed('extend_lock', () => store.extendLock(object)),
      setLegalHold: (object) => timed('set_legal_hold', () => store.setLegalHold(object)),
      deleteVersion: (object) => timed('delete_version', () => store.deleteVersion(object)),
      close: () => store.close(),
    };
  }
}

const codeOf = (error: unknown): string => (isFailure(error) ? error.code : 'internal');

async function* counted(
  pieces: AsyncIterable<Buffer>,
  received: (sizeBytes: number) => void,
): AsyncIterable<Buffer> {
  for await (const piece of pieces) {
    received(piece.length);
    yield piece;
  }
}
