/** Extended attributes as they are recorded: name to base64 of the value. */
export type Attributes = Readonly<Record<string, string>>;

/** What was recorded of an entry's attributes, and how many more should have been but could not. */
export interface RecordedAttributes {
  readonly kept: Attributes;
  readonly dropped: number;
}

export const noAttributes: RecordedAttributes = { kept: {}, dropped: 0 };

export function sameAttributes(a: Attributes, b: Attributes): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/**
 * Leaves out the longest values until names and values, as JSON, take at most `maxBytes`; of equally long ones the name
 * that sorts first, as docs/format.md section 4.4 has it.
 */
export function withinBytes({ kept, dropped }: RecordedAttributes, maxBytes: number): RecordedAttributes {
  const longestFirst = Object.entries(kept).sort(
    ([nameA, a], [nameB, b]) => b.length - a.length || (nameA < nameB ? -1 : 1),
  );
  let sizeBytes = longestFirst.reduce((sum, attribute) => sum + jsonBytes(attribute), 0);
  let left = 0;
  for (const attribute of longestFirst) {
    if (sizeBytes <= maxBytes) break;
    sizeBytes -= jsonBytes(attribute);
    left += 1;
  }
  return { kept: Object.fromEntries(longestFirst.slice(left)), dropped: dropped + left };
}

/** Of one member with its comma. */
function jsonBytes([name, value]: readonly [string, string]): number {
  return Buffer.byteLength(JSON.stringify(name)) + value.length + 4;
}
