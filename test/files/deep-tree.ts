import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

const name = 'd'.repeat(250);
const depth = 20;

/**
 * Makes a chain of folders whose absolute path is far over 4,095 bytes, with a file `leaf` at its end.
 * Returns the file's path relative to `folder`.
 */
export function makeDeepFile(folder: string, content: string): Buffer {
  // A process that changes into each folder in turn needs no long path.
  const script = `
    const { mkdirSync, writeFileSync } = require('node:fs');
    const [folder, name, depth, content] = process.argv.slice(1);
    process.chdir(folder);
    for (let level = 0; level < Number(depth); level++) { mkdirSync(name); process.chdir(name); }
    writeFileSync('leaf', content);`;
  execFileSync(process.execPath, ['-e', script, folder, name, String(depth), content]);
  // rm walks by descriptors; Node's own rm cannot reach the end.
  onTestFinished(() => void execFileSync('rm', ['-rf', `${folder}/${name}`]));
  return Buffer.from([...Array.from({ length: depth }, () => name), 'leaf'].join('/'));
}
