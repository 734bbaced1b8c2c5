import canonicalizeJson from 'canonicalize';

/** RFC 8785 canonical JSON of `value`, as UTF-8 bytes. Throws on what JSON cannot hold. */
export function canonical(value: unknown): Buffer {
  const text = canonicalizeJson(value);
  if (text === undefined) throw new TypeError('value has no JSON form');
  return Buffer.from(text, 'utf8');
}
