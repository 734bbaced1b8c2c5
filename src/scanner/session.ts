import { connect, type Socket } from 'node:net';
import { Failure } from '../domain/failures.ts';
import type { SystemCalls } from '../files/system-calls.ts';

const maxReplyBytes = 4096;
/** A chunk of length 0. */
const endOfStream = Buffer.alloc(4);

/** clamd's answer, or that the connection ended without one. */
export type SessionReply =
  | { readonly kind: 'reply'; readonly text: string; readonly complete: boolean }
  | { readonly kind: 'broken' };

/**
 * One IDSESSION with clamd (clamd(8)), scanning one stream after the other: a file costs no connection.
 *
 * A session that ended anything but cleanly is destroyed, so that no late reply is ever taken for another's.
 */
export class Session {
  readonly #socket: Socket;
  #id = 0;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #scanning = false;
  #complete = false;
  #settle: ((reply: SessionReply) => void) | undefined;
  #drained: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('drain', () => this.#resume());
    socket.on('close', () => this.#end({ kind: 'broken' }));
    socket.write('zIDSESSION\0');
  }

  /** Throws `scanner_unavailable` when clamd does not take connections. */
  static open(socketPath: string): Promise<Session> {
    return new Promise((resolve, reject) => {
      const socket = connect(socketPath);
      socket.on('error', (cause: NodeJS.ErrnoException) => {
        reject(new Failure('scanner_unavailable', { detail: cause.code ?? 'no connection' }, { cause }));
      });
      socket.on('connect', () => resolve(new Session(socket)));
    });
  }

  get usable(): boolean {
    return !this.#socket.destroyed && !this.#scanning;
  }

  /** Number of the command under way, by which clamd's reply names it. */
  get id(): number {
    return this.#id;
  }

  /** Begins a stream. Settles with clamd's reply, whenever it comes, or with the end of the connection. */
  begin(): Promise<SessionReply> {
    const reply = this.#command();
    if (!this.#socket.destroyed) this.#socket.write('zINSTREAM\0');
    return reply;
  }

  /** Has clamd look into an open file, from its start to its end: all of it must be there. Settles like {@link begin}. */
  judge(descriptor: number, calls: Pick<SystemCalls, 'sendDescriptor'>): Promise<SessionReply> {
    const reply = this.#command();
    this.#complete = true;
    // The descriptor goes past Node's own queue, so it has to wait until that is empty.
    this.#socket.write('zFILDES\0', (error) => {
      try {
        if (!error) calls.sendDescriptor(descriptorOf(this.#socket), descriptor);
      } catch {
        this.#socket.destroy();
      }
    });
    return reply;
  }

  /** Sends one chunk; settles when there is room for the next one, or the connection has ended. */
  async send(chunk: Buffer): Promise<void> {
    // A chunk of no bytes would end the stream: what follows would go unscanned.
    if (chunk.length === 0 || this.#socket.destroyed) return;
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(chunk.length);
    this.#socket.cork();
    this.#socket.write(length);
    const hasRoom = this.#socket.write(chunk);
    this.#socket.uncork();
    if (hasRoom) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }

  /** Ends the stream: now clamd judges. */
  finish(): void {
    this.#complete = true;
    if (!this.#socket.destroyed) this.#socket.write(endOfStream);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Whether an idle session keeps the process alive. */
  idle(idle: boolean): void {
    if (idle) this.#socket.unref();
    else this.#socket.ref();
  }

  #command(): Promise<SessionReply> {
    this.#id += 1;
    this.#scanning = true;
    this.#complete = false;
    const reply = new Promise<SessionReply>((resolve) => {
      this.#settle = resolve;
    });
    if (this.#socket.destroyed) this.#end({ kind: 'broken' });
    return reply;
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    const ended = chunk.at(-1) === 0;
    if (!ended && this.#receivedBytes <= maxReplyBytes) return;
    const text = Buffer.concat(this.#received).toString('utf8');
    this.#received = [];
    this.#receivedBytes = 0;
    if (!this.#scanning || !ended) this.#socket.destroy();
    this.#end({ kind: 'reply', text: text.slice(0, -1), complete: this.#complete });
  }

  #end(reply: SessionReply): void {
    this.#scanning = false;
    this.#settle?.(reply);
    this.#settle = undefined;
    this.#resume();
  }

  #resume(): void {
    this.#drained?.();
    this.#drained = undefined;
  }
}

/** Node has no other word for it. */
export const descriptorOf = (socket: Socket): number =>
  (socket as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
