import { Counter, type Registry } from 'prom-client';

/** A counter by one label whose values are known: each is there from the start, at 0, and cheap to count. */
export interface Counts<Value extends string> {
  inc(value: Value, by?: number): void;
}

export function counts<Value extends string>(
  registry: Registry,
  label: string,
  values: readonly Value[],
  about: { readonly name: string; readonly help: string },
): Counts<Value> {
  const counter = new Counter({ ...about, labelNames: [label], registers: [registry] });
  const children = new Map(values.map((value) => [value, counter.labels({ [label]: value })]));
  for (const child of children.values()) child.inc(0);
  return { inc: (value, by) => (children.get(value) ?? counter.labels({ [label]: value })).inc(by) };
}
