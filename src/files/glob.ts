import { Failure } from '../domain/failures.ts';
import { nameOf } from './paths.ts';

/**
 * Whether a path matches a pattern, as shells with `globstar` match: `*` and `?` within one name, `[a-z]`, `[!a-z]`,
 * `{odt,ods}`, double stars for any number of folders, a backslash before what is meant literally. A pattern without a
 * slash is about the last name wherever it is, one with a slash about the whole path. A dot at the beginning of a name is
 * a letter like any other. Bytes that are not UTF-8 are U+FFFD; accents match however they were stored (Unicode form C).
 *
 * Failure `usage` for a range like `[z-a]`.
 */
export function globMatcher(pattern: string): (path: Buffer) => boolean {
  const isWhole = pattern.includes('/');
  const expression = globExpression(pattern.replace(/^\/+|\/+$/g, '').normalize('NFC'));
  return (path) => expression.test((isWhole ? path : nameOf(path)).toString('utf8').normalize('NFC'));
}

const tokens =
  /\\(?<escaped>.)|(?<folders>(?<=^|\/)\*\*\/)|(?<below>(?<=^|\/)\*\*$)|\*+|\[(?<not>[!^]?)(?<members>\]?[^\]/]+|\])\]|./gsu;

function globExpression(pattern: string, hasBraces = true): RegExp {
  let depth = 0;
  const parts = [...pattern.matchAll(tokens)].map(({ 0: token, groups = {} }) => {
    if (groups.escaped !== undefined) return RegExp.escape(groups.escaped);
    if (groups.members !== undefined) return oneOf(groups.members, groups.not !== '');
    if (groups.folders !== undefined) return '(?:[^/]+/)*';
    if (groups.below !== undefined) return '.+';
    if (token.startsWith('*')) return '[^/]*';
    if (token === '?') return '[^/]';
    if (token === '{' && hasBraces) {
      depth++;
      return '(?:';
    }
    if (token === ',' && depth > 0) return '|';
    if (token === '}' && depth > 0) {
      depth--;
      return ')';
    }
    return RegExp.escape(token);
  });
  // Where a brace is never closed, all of them mean themselves.
  return depth === 0 ? new RegExp(`^(?:${parts.join('')})$`, 'su') : globExpression(pattern, false);
}

function oneOf(members: string, isNegated: boolean): string {
  const set = `[${isNegated ? '^' : ''}${members.replace(/[\\\]^[]/g, '\\$&')}]`;
  try {
    new RegExp(set, 'su');
  } catch {
    throw new Failure('usage', { detail: `[${members}] is no range of letters: the lower one comes first.` });
  }
  return `(?!/)${set}`;
}
