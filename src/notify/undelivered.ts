/** A message was not taken. Its reason is a code or what the other side answered in short, never an address, path or secret. */
export class Undelivered extends Error {
  override readonly name = 'Undelivered';
  readonly reason: string;

  constructor(reason: string, options?: { cause?: unknown }) {
    super(reason, options);
    this.reason = reason;
  }

  /** What a client threw, by its code and the number that a server answered with. */
  static by(error: unknown): Undelivered {
    if (error instanceof Undelivered) return error;
    if (!(error instanceof Error)) return new Undelivered('unknown');
    const { code, responseCode, cause } = error as Error & { code?: unknown; responseCode?: unknown };
    const inner = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
    const what =
      // Nothing but the end of its time ends a request.
      error.name === 'TimeoutError' || error.name === 'AbortError'
        ? 'no answer in time'
        : typeof code === 'string'
          ? code
          : (inner ?? error.name);
    return new Undelivered(typeof responseCode === 'number' ? `${what} ${responseCode}` : what, {
      cause: error,
    });
  }
}
