/**
 * The one table of everything that can go wrong, and the one error class that carries it.
 *
 * Each row fixes the process exit code, whether a retry can help, the sentence the operator reads and what
 * to do next. `{name}` in a text is filled from the failure's `facts`. Vendor errors are translated into a
 * row once, at the edge; what has no row is a defect and is rethrown unchanged.
 */
export interface FailureRow {
  /** Process exit code: 1 error, 2 usage, 3 some files failed, 4 integrity, 5 dependency, 6 key, 7 running. */
  readonly exitCode: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 130;
  /** Whether the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean;
  readonly message: string;
  /** What the operator does next. */
  readonly hint: string;
}

const row = (
  exitCode: FailureRow['exitCode'],
  retryable: boolean,
  message: string,
  hint: string,
): FailureRow => ({
  exitCode,
  retryable,
  message,
  hint,
});

export const failures = {
  usage: row(2, false, '{detail}', 'Run the command with --help to see its arguments and examples.'),
  internal: row(
    1,
    false,
    'Unexpected error: {detail}',
    'This is a defect: please report it with the log file.',
  ),
  interrupted: row(130, true, 'Interrupted.', 'Run the same command again: it resumes where it stopped.'),
} satisfies Record<string, FailureRow>;

export type FailureCode = keyof typeof failures;

/** Facts that fill the texts. Never a path or file name where the failure may cross an activity edge. */
export type FailureFacts = Readonly<Record<string, string | number>>;

export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly facts: FailureFacts;

  constructor(code: FailureCode, facts: FailureFacts = {}, options?: { cause?: unknown }) {
    super(fill(failures[code].message, facts), options);
    this.code = code;
    this.facts = facts;
  }

  get exitCode(): number {
    return failures[this.code].exitCode;
  }

  get retryable(): boolean {
    return failures[this.code].retryable;
  }

  get hint(): string {
    return fill(failures[this.code].hint, this.facts);
  }
}

/** True for a {@link Failure}, with the given code if one is given. */
export function isFailure(error: unknown, code?: FailureCode): error is Failure {
  return error instanceof Failure && (code === undefined || error.code === code);
}

function fill(text: string, facts: FailureFacts): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(facts[name] ?? whole));
}
