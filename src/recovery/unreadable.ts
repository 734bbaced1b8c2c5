import type { Id } from '../domain/records.ts';

/** What one absent key covers: rows of manifests, and sealed files that no manifest lists. */
export interface Unreadable {
  readonly keyId: Id;
  readonly rows: number;
  readonly objects: number;
}

/** Counts what cannot be read, by the key that is not in the keyring (any more). */
export class UnreadableCount {
  private readonly byKey = new Map<Id, { rows: number; objects: number }>();

  addRows(keyId: Id, rows: number): void {
    this.of(keyId).rows += rows;
  }

  addObject(keyId: Id): void {
    this.of(keyId).objects++;
  }

  /** The keys, those that cover most first. */
  list(): Unreadable[] {
    return [...this.byKey]
      .map(([keyId, counts]) => ({ keyId, ...counts }))
      .sort((a, b) => b.rows + b.objects - a.rows - a.objects);
  }

  private of(keyId: Id): { rows: number; objects: number } {
    const known = this.byKey.get(keyId) ?? { rows: 0, objects: 0 };
    this.byKey.set(keyId, known);
    return known;
  }
}
