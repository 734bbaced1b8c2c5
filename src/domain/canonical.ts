/** RFC 8785 canonical JSON of `value`, as UTF-8 bytes. Throws on what JSON cannot hold. */
export function canonical(value: unknown): Buffer {
  return Buffer.from(canonicalText(value), 'utf8');
}

/**
 * The same as text. RFC 8785 writes numbers and strings as ECMAScript does, so that the platform's own serialisation is
 * used for them; only the order of members is ours. Written out because every audit event, id and decision goes through it.
 */
export function canonicalText(value: unknown): string {
  const text = textOf(value);
  if (text === undefined) throw new TypeError('value has no JSON form');
  return text;
}

/** Undefined for what is left out of objects. Of what goes round in circles the stack ends. */
function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw new TypeError('a lone surrogate has no JSON form');
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('a number without a JSON form');
      return JSON.stringify(value);
    case 'object':
      return value === null ? 'null' : textOfObject(value);
    default:
      // Also throws for a bigint.
      return JSON.stringify(value);
  }
}

function textOfObject(value: object): string | undefined {
  if ('toJSON' in value && typeof value.toJSON === 'function') return textOf(value.toJSON());
  if (Array.isArray(value)) {
    let items = '';
    for (const item of value) items += `${items === '' ? '' : ','}${textOf(item) ?? 'null'}`;
    return `[${items}]`;
  }
  const members = value as Record<string, unknown>;
  let text = '';
  // By UTF-16 code units, as RFC 8785 section 3.2.3 says.
  for (const key of Object.keys(members).sort()) {
    const member = textOf(members[key]);
    if (member !== undefined) text += `${text === '' ? '' : ','}${textOf(key)}:${member}`;
  }
  return `{${text}}`;
}
