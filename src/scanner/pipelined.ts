import { closeSync, writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { Failure } from '../domain/failures.ts';
import type { SystemCalls } from '../files/system-calls.ts';
import { type Finding, readReply } from './reply.ts';
import { descriptorOf } from './session.ts';

export interface PipelineOptions {
  readonly socketPath: string;
  /** Longest silence of clamd while an answer is due, by the size of the longest content. */
  readonly deadlineMs: (sizeBytes: number) => number;
  readonly signal?: AbortSignal | undefined;
  /**
   * With these each content is handed over as an open file in memory: a stream clamd writes to a file of its own first, which
   * costs it more than looking into it. For a clamd that was seen to take files.
   */
  readonly files?: FileCalls | undefined;
}

type FileCalls = Pick<SystemCalls, 'memoryFile' | 'sendDescriptor'>;

/** Streams under way at once: clamd scans several of one session at a time, and queues at most MaxQueue (100) in all. */
const mostStreams = 16;

/** A reply names its command and a signature; many may come at once. */
const longestReplyBytes = 4096;

const scannerError: Finding = { state: 'not_scanned', reason: 'scanner_error' };

/**
 * Scans many contents, each held in memory, over one IDSESSION (clamd(8)) for streams and a few for files: the next ones are
 * on their way while clamd looks at the first. Gives one finding for each, in order; `not_scanned` for those that clamd gave no clear answer about.
 * What a session that broke off left unanswered is asked about once more, in streams, and so is what came to nothing as a
 * file. Throws `scanner_unavailable` where clamd takes no connection, and the signal's reason.
 */
export async function scanPipelined(
  contents: readonly Buffer[],
  options: PipelineOptions,
): Promise<Finding[]> {
  const { files, ...streaming } = options;
  const found = await scanOnce(contents, options);
  const first =
    files === undefined ? found : found.map((finding) => (isFailed(finding) ? undefined : finding));
  const unanswered = contents.filter((_, index) => first[index] === undefined);
  const again = (await scanOnce(unanswered, streaming)).values();
  return first.map((finding) => finding ?? again.next().value ?? scannerError);
}

/**
 * One descriptor is under way in a session, so that none is ever taken for another's; several sessions keep all threads of
 * clamd (MaxThreads, 2 to 10) busy.
 */
const fileSessions = 4;

const isFailed = (finding: Finding | undefined): boolean =>
  finding?.state === 'not_scanned' && finding.reason === 'scanner_error';

/** Undefined for what was not answered when its session broke off. */
async function scanOnce(
  contents: readonly Buffer[],
  options: PipelineOptions,
): Promise<(Finding | undefined)[]> {
  if (options.files === undefined) return scanInSession(contents, options);
  const sessions = await Promise.all(
    Array.from({ length: fileSessions }, (_, session) =>
      scanInSession(
        contents.filter((_, index) => index % fileSessions === session),
        options,
      ),
    ),
  );
  return contents.map((_, index) => sessions[index % fileSessions]?.[Math.floor(index / fileSessions)]);
}

async function scanInSession(
  contents: readonly Buffer[],
  { socketPath, deadlineMs, signal, files }: PipelineOptions,
): Promise<(Finding | undefined)[]> {
  if (contents.length === 0) return [];
  signal?.throwIfAborted();
  const socket = await open(socketPath);
  const longestBytes = contents.reduce((most, { length }) => Math.max(most, length), 0);
  const pipeline = new Pipeline(socket, contents, { silenceMs: deadlineMs(longestBytes), files });
  const abort = (): void => pipeline.end(scannerError);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const findings = await pipeline.run();
    signal?.throwIfAborted();
    return findings;
  } finally {
    signal?.removeEventListener('abort', abort);
    socket.destroy();
  }
}

function open(socketPath: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.on('error', (cause: NodeJS.ErrnoException) =>
      reject(new Failure('scanner_unavailable', { detail: cause.code ?? 'no connection' }, { cause })),
    );
    socket.on('connect', () => resolve(socket));
  });
}

const begin = Buffer.from('zINSTREAM\0', 'latin1');
const endOfStream = Buffer.alloc(4);
/** The command and the one byte that the descriptor comes with. */
const judge = Buffer.from('zFILDES\0\0', 'latin1');

class Pipeline {
  readonly #socket: Socket;
  readonly #contents: readonly Buffer[];
  readonly #files: FileCalls | undefined;
  readonly #findings: (Finding | undefined)[];
  readonly #done = Promise.withResolvers<void>();
  #sent = 0;
  #answered = 0;
  #received = '';

  constructor(
    socket: Socket,
    contents: readonly Buffer[],
    { silenceMs, files }: { readonly silenceMs: number; readonly files: FileCalls | undefined },
  ) {
    this.#socket = socket;
    this.#files = files;
    this.#contents = contents;
    this.#findings = contents.map(() => undefined);
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('close', () => this.end(undefined));
    socket.setTimeout(silenceMs, () => this.end({ state: 'not_scanned', reason: 'timeout' }));
  }

  async run(): Promise<(Finding | undefined)[]> {
    // Files go past Node's own queue: it has to be empty, and nothing is written to it afterwards.
    this.#socket.write('zIDSESSION\0', (error) => {
      if (!error) this.#sendMore();
    });
    await this.#done.promise;
    return this.#findings;
  }

  /** Ends the session; what has no answer yet gets this one. */
  end(rest: Finding | undefined): void {
    for (const [index, finding] of this.#findings.entries()) this.#findings[index] = finding ?? rest;
    this.#socket.destroy();
    this.#done.resolve();
  }

  #sendMore(): void {
    const most = this.#files === undefined ? mostStreams : 1;
    this.#socket.cork();
    try {
      for (; this.#sent < this.#contents.length && this.#sent - this.#answered < most; this.#sent++) {
        const content = this.#contents[this.#sent] as Buffer;
        if (this.#files === undefined) this.#sendStream(content);
        else this.#sendFile(content, this.#files);
      }
    } catch {
      // What this one and those after it hold is asked about in streams.
      this.end(undefined);
    }
    this.#socket.uncork();
  }

  #sendStream(content: Buffer): void {
    this.#socket.write(begin);
    // A chunk of no bytes would end the stream.
    if (content.length > 0) {
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32BE(content.length);
      this.#socket.write(length);
      this.#socket.write(content);
    }
    this.#socket.write(endOfStream);
  }

  #sendFile(content: Buffer, calls: FileCalls): void {
    const file = calls.memoryFile();
    try {
      for (let at = 0; at < content.length; ) at += writeSync(file, content, at, content.length - at, at);
      calls.sendDescriptor(descriptorOf(this.#socket), file, judge);
    } finally {
      closeSync(file);
    }
  }

  #receive(bytes: Buffer): void {
    const replies = (this.#received + bytes.toString('latin1')).split('\0');
    this.#received = replies.pop() ?? '';
    for (const reply of replies) this.#answer(reply);
    if (this.#received.length > longestReplyBytes) this.end(scannerError);
    else if (this.#answered === this.#contents.length) this.#done.resolve();
    else this.#sendMore();
  }

  /** Commands are numbered from 1 in the order they were sent; clamd answers them in any order. */
  #answer(reply: string): void {
    const id = Number(/^\d+/.exec(reply)?.[0] ?? 0);
    // Not about one content that is under way: then nothing it says can be told apart any more.
    if (id < 1 || id > this.#sent || this.#findings[id - 1] !== undefined) {
      this.end(scannerError);
      return;
    }
    this.#findings[id - 1] = readReply(reply, id, true);
    this.#answered++;
  }
}
