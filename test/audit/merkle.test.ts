import { expect, test } from 'vitest';
import {
  auditPath,
  emptyRoot,
  GrowingTree,
  leafHash,
  rootFromPath,
  treeRoot,
} from '../../src/audit/merkle.ts';

/** Leaves and roots of the trees over the first 1 to 8 of them: google/certificate-transparency, merkle_tree_test.cc. */
const inputs = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const leaves = inputs.map((input) => leafHash(Buffer.from(input, 'hex')));

test('roots are those of RFC 6962', () => {
  expect(emptyRoot.toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(roots.map((_, i) => treeRoot(leaves.slice(0, i + 1)).toString('hex'))).toEqual(roots);
});

test('a tree grows on from its peaks alone', () => {
  const grown = leaves.map((leaf, size) => {
    const before = new GrowingTree();
    for (const earlier of leaves.slice(0, size)) before.append(earlier);
    const tree = new GrowingTree(size, before.peaks);
    tree.append(leaf);
    return tree.root().toString('hex');
  });
  expect(grown).toEqual(roots);
});

test('a path leads from its leaf at its place to the root, and nothing else does', () => {
  for (let size = 1; size <= leaves.length; size++) {
    const all = leaves.slice(0, size);
    const root = treeRoot(all);
    for (const [index, leaf] of all.entries()) {
      const path = auditPath(all, index);
      expect(rootFromPath(leaf, index, size, path)).toEqual(root);
      expect(rootFromPath(leafHash(Buffer.from('x')), index, size, path)).not.toEqual(root);
      expect(rootFromPath(leaf, (index + 1) % size, size, path)?.equals(root) ?? false).toBe(size === 1);
      expect(rootFromPath(leaf, index, size, [...path, root])).toBeUndefined();
      if (path.length > 0)
        expect(rootFromPath(leaf, index, size, path.slice(1))?.equals(root)).not.toBe(true);
    }
  }
  expect(rootFromPath(emptyRoot, 0, 0, [])).toBeUndefined();
  expect(() => auditPath(leaves, 8)).toThrow(RangeError);
});
