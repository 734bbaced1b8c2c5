import ignore from 'ignore';

/** What a set of patterns says of one path: nothing, or skip or take it, by which pattern. */
export type PatternMatch =
  | { readonly kind: 'skip'; readonly rule: string; readonly pattern: string }
  | { readonly kind: 'take' }
  | undefined;

/** One pattern in gitignore syntax and the id that decisions name it by. */
export interface PatternRule {
  readonly rule: string;
  readonly pattern: string;
}

/** The library keeps every path it was asked about: it is renewed before that grows large. */
const renewAfterTests = 20_000;

/** Patterns in gitignore syntax (gitignore(5)), case-sensitive; the last one that matches decides. */
export class RuleSet {
  private readonly rules: readonly PatternRule[];
  private matcher: ignore.Ignore;
  private tests = 0;

  constructor(rules: readonly PatternRule[]) {
    this.rules = rules;
    this.matcher = this.compile();
  }

  /** `path` is relative to the folder that the patterns belong to; a folder's ends with `/`. */
  match(path: string): PatternMatch {
    if (this.rules.length === 0) return undefined;
    if (this.tests++ === renewAfterTests) {
      this.matcher = this.compile();
      this.tests = 0;
    }
    const result = this.matcher.test(path);
    if (result.ignored && result.rule) {
      return { kind: 'skip', rule: result.rule.mark ?? '', pattern: result.rule.pattern };
    }
    return result.unignored ? { kind: 'take' } : undefined;
  }

  private compile(): ignore.Ignore {
    return ignore({ ignorecase: false }).add(
      this.rules.map(({ rule, pattern }) => ({ pattern, mark: rule })),
    );
  }
}
