/** RFC 8785 canonical JSON of `value`, as UTF-8 bytes. Throws on what JSON cannot hold. */
export function canonical(value: unknown): Buffer {
  return Buffer.from(canonicalText(value), 'utf8');
}

/**
 * The same as text. RFC 8785 writes numbers and strings as ECMAScript does, so only the order of members is ours: what is
 * in that order already is written by the platform in one call, which costs a third. Every audit event, id and decision
 * goes through it, so what is made for it has its members in order from the start.
 */
export function canonicalText(value: unknown): string {
  const text = textOf(value);
  if (text === undefined) throw new TypeError('value has no JSON form');
  return text;
}

/** Undefined for what is left out of objects. Of what goes round in circles the stack ends. */
function textOf(value: unknown): string | undefined {
  if (isInOrder(value)) return JSON.stringify(value);
  return Array.isArray(value) ? textOfArray(value) : textOfObject(value as object);
}

/**
 * Whether all members, also of members, come in the order of their names and none says itself how it is written. Throws on
 * what JSON cannot hold.
 */
function isInOrder(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw new TypeError('a lone surrogate has no JSON form');
      return true;
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('a number without a JSON form');
      return true;
    case 'object':
      return value === null || (Array.isArray(value) ? value.every(isInOrder) : hasOrder(value));
    default:
      // JSON.stringify throws for a bigint.
      return true;
  }
}

function hasOrder(members: object): boolean {
  if ('toJSON' in members) return false;
  let before = '';
  for (const key in members) {
    // By UTF-16 code units, as RFC 8785 section 3.2.3 says.
    if (key < before || !key.isWellFormed() || !isInOrder(members[key as keyof typeof members])) return false;
    before = key;
  }
  return true;
}

function textOfArray(items: readonly unknown[]): string {
  let text = '';
  for (const item of items) text += `${text === '' ? '' : ','}${textOf(item) ?? 'null'}`;
  return `[${text}]`;
}

function textOfObject(value: object): string | undefined {
  if ('toJSON' in value && typeof value.toJSON === 'function') return textOf(value.toJSON());
  const members = value as Record<string, unknown>;
  let text = '';
  for (const key of Object.keys(members).sort()) {
    const member = textOf(members[key]);
    if (member !== undefined) text += `${text === '' ? '' : ','}${textOf(key)}:${member}`;
  }
  return `{${text}}`;
}
