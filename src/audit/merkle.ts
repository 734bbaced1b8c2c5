/** Merkle trees as RFC 6962 section 2.1 defines them, with SHA-256. Hashes are 32 bytes. */
import { hash } from 'node:crypto';

const leafPrefix = Buffer.of(0);
const nodePrefix = Buffer.of(1);

/** Root of a tree without leaves: SHA-256 of nothing. */
export const emptyRoot = hash('sha256', '', 'buffer');

export function leafHash(bytes: Buffer): Buffer {
  return hash('sha256', Buffer.concat([leafPrefix, bytes]), 'buffer');
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return hash('sha256', Buffer.concat([nodePrefix, left, right]), 'buffer');
}

/**
 * A tree that grows, in the memory of its right edge: one root for each perfect tree it is made of, largest first. Their
 * sizes are the powers of two that add up to its own.
 */
export class GrowingTree {
  readonly #peaks: Buffer[];
  #size: number;

  /** @param peaks of an earlier tree of `size` leaves, joined; both left out: a tree without leaves */
  constructor(size = 0, peaks: Buffer = Buffer.alloc(0)) {
    this.#size = size;
    this.#peaks = Array.from({ length: peaks.length / 32 }, (_, i) => peaks.subarray(32 * i, 32 * i + 32));
  }

  get size(): number {
    return this.#size;
  }

  /** What the constructor takes to go on from here. */
  get peaks(): Buffer {
    return Buffer.concat(this.#peaks);
  }

  append(leaf: Buffer): void {
    let node = leaf;
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      node = nodeHash(this.#peaks.pop() ?? node, node);
    }
    this.#peaks.push(node);
    this.#size += 1;
  }

  root(): Buffer {
    return (
      this.#peaks.reduceRight<Buffer | undefined>(
        (right, left) => (right === undefined ? left : nodeHash(left, right)),
        undefined,
      ) ?? emptyRoot
    );
  }
}

export function treeRoot(leaves: Iterable<Buffer>): Buffer {
  const tree = new GrowingTree();
  for (const leaf of leaves) tree.append(leaf);
  return tree.root();
}

/** What proves that the leaf at `index` (from 0) is in the tree of these leaves: siblings from the leaf upwards. */
export function auditPath(leaves: readonly Buffer[], index: number): Buffer[] {
  if (!(index >= 0 && index < leaves.length)) throw new RangeError('no such leaf');
  if (leaves.length === 1) return [];
  const split = largestPowerBelow(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? [...auditPath(left, index), treeRoot(right)]
    : [...auditPath(right, index - split), treeRoot(left)];
}

/** Highest power of two below `count`, at least 2. */
function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

/** The root that a path leads to: RFC 9162 section 2.1.3.2. Undefined for a path of another length than the place has. */
export function rootFromPath(
  leaf: Buffer,
  index: number,
  size: number,
  path: readonly Buffer[],
): Buffer | undefined {
  if (!(index >= 0 && index < size)) return undefined;
  let [node, last, root] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root);
      while (node % 2 === 0 && node !== 0) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
    } else root = nodeHash(root, sibling);
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 ? root : undefined;
}
