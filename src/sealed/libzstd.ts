/**
 * Zstandard in one call, by the library inside Node itself. Node's own binding makes a context for each call,
 * which for a small file costs as much as compressing it; here one is kept. The bytes are the same: zstd's output depends
 * on version, parameters and input, not on what a context did before (a test holds both ways against each other).
 */
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import type * as Koffi from 'koffi';

export interface Libzstd {
  /** One frame. `parameters` as zlib's `params`, every one of them given each time; Error for what the library refuses. */
  compress(plain: Buffer, parameters: Parameters): Buffer;
  /** The same on another thread, as many at once as there are cores. `plain` must stay as it is until then. */
  compressElsewhere(plain: Buffer, parameters: Parameters): Promise<Buffer>;
  /** What frames decompress to, at most `maxBytes` (at least 1); undefined where they are damaged or longer. */
  decompress(frames: Buffer, maxBytes: number): Buffer | undefined;
}

/** As zlib's `params`. */
type Parameters = Readonly<Record<number, number>>;

let loaded: { readonly library: Libzstd | undefined } | undefined;

/** Undefined where it cannot be called: no build of koffi for this platform, or a Node that keeps its library to itself. */
export function libzstd(): Libzstd | undefined {
  loaded ??= { library: load() };
  return loaded.library;
}

function load(): Libzstd | undefined {
  try {
    const koffi: typeof Koffi = createRequire(import.meta.url)('koffi');
    const node = koffi.load(null);
    const version = node.func('const char *ZSTD_versionString()')();
    // Another library than Node's would give other bytes than the thread pool does.
    return version === process.versions.zstd ? new NodeLibzstd(node) : undefined;
  } catch {
    return undefined;
  }
}

type Call = (...values: (unknown | number | Buffer)[]) => number | bigint;
type Node = ReturnType<typeof Koffi.load>;

/** Room for an output is kept between calls up to here. Bytes; a segment of 1 MiB fits. */
const keptBytes = 2 * 1024 * 1024;

/** Each keeps about 3 MB. */
const mostElsewhere = Math.min(4, availableParallelism());

class NodeLibzstd implements Libzstd {
  readonly #node: Node;
  readonly #here: Compressor;
  readonly #elsewhere: Compressor[] = [];
  readonly #waiting: ((free: Compressor) => void)[] = [];
  #made = 0;
  readonly #decompressor: unknown;
  readonly #decompress: Call;
  readonly #isError: Call;

  constructor(node: Node) {
    this.#node = node;
    this.#here = new Compressor(node);
    this.#decompress = node.func('size_t ZSTD_decompressDCtx(void *, void *, size_t, const void *, size_t)');
    this.#isError = node.func('unsigned int ZSTD_isError(size_t)');
    // Kept as long as the process: it has one.
    this.#decompressor = node.func('void *ZSTD_createDCtx()')();
  }

  compress(plain: Buffer, parameters: Parameters): Buffer {
    return this.#here.compress(plain, parameters);
  }

  async compressElsewhere(plain: Buffer, parameters: Parameters): Promise<Buffer> {
    const compressor = await this.#take();
    try {
      return await compressor.compressElsewhere(plain, parameters);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(compressor);
      else this.#elsewhere.push(compressor);
    }
  }

  decompress(frames: Buffer, maxBytes: number): Buffer | undefined {
    const plain = Buffer.allocUnsafe(maxBytes);
    const length = this.#decompress(this.#decompressor, plain, maxBytes, frames, frames.length);
    return this.#isError(length) === 0 ? plain.subarray(0, Number(length)) : undefined;
  }

  #take(): Promise<Compressor> {
    const free = this.#elsewhere.pop();
    if (free) return Promise.resolve(free);
    if (this.#made === mostElsewhere) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#made++;
    return Promise.resolve(new Compressor(this.#node));
  }
}

/** A context that is kept, for one frame at a time. */
class Compressor {
  readonly #context: unknown;
  readonly #setParameter: Call;
  readonly #compress: Call & { async(...values: unknown[]): void };
  readonly #compressBound: Call;
  readonly #isError: Call;
  readonly #set = new Map<string, number>();
  /** What was said last: mostly the same, and a file is compressed faster than a dozen parameters are compared. */
  #said: Parameters | undefined;
  #room = Buffer.alloc(0);

  constructor(node: Node) {
    this.#setParameter = node.func('size_t ZSTD_CCtx_setParameter(void *, int, int)');
    this.#compress = node.func('size_t ZSTD_compress2(void *, void *, size_t, const void *, size_t)');
    this.#compressBound = node.func('size_t ZSTD_compressBound(size_t)');
    this.#isError = node.func('unsigned int ZSTD_isError(size_t)');
    this.#context = node.func('void *ZSTD_createCCtx()')();
  }

  compress(plain: Buffer, parameters: Parameters): Buffer {
    const room = this.#prepare(plain, parameters);
    const length = this.#compress(this.#context, room, room.length, plain, plain.length);
    return Buffer.from(room.subarray(0, this.#checked(length)));
  }

  async compressElsewhere(plain: Buffer, parameters: Parameters): Promise<Buffer> {
    const room = this.#prepare(plain, parameters);
    const length = await new Promise<number | bigint>((resolve, reject) => {
      const done = (error: Error | null, result: number | bigint): void =>
        error ? reject(error) : resolve(result);
      this.#compress.async(this.#context, room, room.length, plain, plain.length, done);
    });
    return Buffer.from(room.subarray(0, this.#checked(length)));
  }

  /** Room for the frame. */
  #prepare(plain: Buffer, parameters: Parameters): Buffer {
    if (parameters !== this.#said) {
      this.#said = undefined;
      for (const name in parameters) this.#ensure(name, parameters[name] ?? 0);
      this.#said = parameters;
    }
    return this.#roomFor(Number(this.#compressBound(plain.length)));
  }

  /** Parameters stay with the context from one frame to the next: only what changes is said. */
  #ensure(name: string, value: number): void {
    if (this.#set.get(name) === value) return;
    this.#checked(this.#setParameter(this.#context, Number(name), value));
    this.#set.set(name, value);
  }

  #roomFor(sizeBytes: number): Buffer {
    if (this.#room.length >= sizeBytes) return this.#room;
    const room = Buffer.allocUnsafeSlow(sizeBytes);
    if (sizeBytes <= keptBytes) this.#room = room;
    return room;
  }

  #checked(result: number | bigint): number {
    if (this.#isError(result) !== 0) throw new Error('the compressor refused');
    return Number(result);
  }
}
