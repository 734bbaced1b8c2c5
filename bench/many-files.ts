import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const filesPerFolder = 20;
const foldersPerFolder = 200;

/** Writes `count` files of some bytes each, no two equal, in folders of twenty: inodes are what it takes most of. */
export function writeManyFiles(to: string, count: number): void {
  for (let file = 0; file < count; file++) {
    const number = Math.floor(file / filesPerFolder);
    const folder = path.join(to, String(Math.floor(number / foldersPerFolder)), String(number));
    if (file % filesPerFolder === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, `${file}.txt`), `This is file ${file}.\n`);
  }
}
