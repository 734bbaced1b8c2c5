import type { Id } from '../domain/records.ts';

/** An id is 16 bytes: four words of a slot. */
const words = 4;
const fewestSlots = 1024;

/**
 * A set of ids in 16 bytes a slot, two slots an id at most: a walk through a million entries keeps them in 32 MB. Ids are
 * MACs, so that any of their bits say evenly where to look first. The id of zeros, which none is, cannot be in it.
 */
export class IdSet {
  private slots = new Uint32Array(fewestSlots * words);
  private count = 0;

  add(id: Id): void {
    if ((this.count + 1) * 2 > this.slots.length / words) this.grow();
    const [a, b, c, d] = parse(id);
    const at = this.find(a, b, c, d);
    if (!this.isFree(at)) return;
    this.slots.set([a, b, c, d], at);
    this.count++;
  }

  has(id: Id): boolean {
    return !this.isFree(this.find(...parse(id)));
  }

  /** Where the id is, or else the free slot where it belongs. */
  private find(a: number, b: number, c: number, d: number): number {
    const { slots } = this;
    let at = (a % (slots.length / words)) * words;
    while (!this.isFree(at)) {
      if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c && slots[at + 3] === d) return at;
      at = (at + words) % slots.length;
    }
    return at;
  }

  private isFree(at: number): boolean {
    const { slots } = this;
    return slots[at] === 0 && slots[at + 1] === 0 && slots[at + 2] === 0 && slots[at + 3] === 0;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += words) {
      const [a = 0, b = 0, c = 0, d = 0] = old.subarray(at, at + words);
      if (a !== 0 || b !== 0 || c !== 0 || d !== 0) this.slots.set([a, b, c, d], this.find(a, b, c, d));
    }
  }
}

function parse(id: Id): [number, number, number, number] {
  const word = (at: number): number => Number.parseInt(id.slice(at, at + 8), 16);
  return [word(0), word(8), word(16), word(24)];
}
