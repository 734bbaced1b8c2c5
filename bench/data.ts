import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { debianPackage } from './packages.ts';

/** Source code of two well-known projects: files as people have them. */
const sourcePackages = ['golang-1.19-src', 'libboost1.81-dev'];
/** Each holds one shared library of more than 100 MB. */
const binaryPackages = ['libllvm14', 'libllvm15', 'libllvm16'];

export interface Tree {
  readonly files: number;
  readonly bytes: number;
}

/** Copies `count` files of real source code, with their folders, to `to`. */
export async function copySourceTree(to: string, count: number): Promise<Tree> {
  let left = count;
  for (const name of sourcePackages) {
    const from = path.join(await debianPackage(name), 'usr');
    cpSync(from, path.join(to, name), {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      // Larger files are what the other tree is for.
      filter: (file) => {
        const stat = lstatSync(file);
        return stat.isDirectory() || (stat.isFile() && stat.size <= 2 ** 20 && left-- > 0);
      },
    });
  }
  return treeOf(to);
}

/** Copies the libraries of more than 100 MB to `to`. */
export async function copyBinaries(to: string): Promise<Tree> {
  mkdirSync(to, { recursive: true });
  for (const name of binaryPackages) {
    const folder = await debianPackage(name);
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const from = path.join(folder, file);
      const stat = lstatSync(from);
      if (stat.isFile() && stat.size > 100_000_000) cpSync(from, path.join(to, path.basename(file)));
    }
  }
  return treeOf(to);
}

export function treeOf(folder: string): Tree {
  const files = filesOf(folder);
  return { files: files.length, bytes: files.reduce((sum, file) => sum + statSync(file).size, 0) };
}

/** Brings all of a tree into the page cache, so that no tool finds more of it there than another. */
export function readThrough(folder: string): void {
  for (const file of filesOf(folder)) readFileSync(file);
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => path.join(one.parentPath, one.name));
}
