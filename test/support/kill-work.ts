import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eicar } from './eicar.ts';
import type { Lane } from './kill-plan.ts';

const mebibyte = 1024 * 1024;
const smallFiles = 36;

/**
 * Work of every kind in a folder of its own, in three portions, each of which is enough to get a file through all nine
 * steps at least three times or, `large`, in three parts.
 */
export class KillWork {
  readonly #folder: string;
  readonly #random: () => number;

  /** @param folder is made. @param random draws how large the files are */
  constructor(folder: string, random: () => number) {
    this.#folder = folder;
    this.#random = random;
    mkdirSync(folder);
  }

  /** Resolves when nothing changes any more. */
  async write(portion: Lane): Promise<void> {
    if (portion === 'batch') this.#manySmall();
    else if (portion === 'single') await this.#someSingle();
    else this.#large();
  }

  #manySmall(): void {
    for (let i = 0; i < smallFiles; i++) this.#file(`tree/${i % 4}/${i}.dat`, this.#upTo(20_000));
    this.#file('tree/empty', 0);
    // Equal content under other names and modes, in this portion and in others.
    for (const [from, to] of [
      ['tree/0/0.dat', 'tree/1/copy of 0.dat'],
      ['tree/2/2.dat', 'tree/copy of 2.dat'],
    ] as const)
      writeFileSync(this.#path(to), readFileSync(this.#path(from)));
    chmodSync(this.#path('tree/copy of 2.dat'), 0o640);
    linkSync(this.#path('tree/3/3.dat'), this.#path('tree/3/link of 3.dat'));
    symlinkSync('0/0.dat', this.#path('tree/points'));
  }

  async #someSingle(): Promise<void> {
    for (let i = 0; i < 3; i++) this.#file(`single/${i}.dat`, this.#upTo(200_000));
    this.#file('single/infected.com', eicar);
    writeFileSync(this.#path('single/copy.dat'), readFileSync(this.#path('single/0.dat')));
    // Written to again and again while it is read.
    for (let i = 0; i < 20; i++) {
      appendFileSync(this.#path('single/grows.log'), randomBytes(3_000));
      await sleep(30);
    }
  }

  #large(): void {
    this.#file('large/one.bin', 17 * mebibyte + this.#upTo(8 * mebibyte));
    this.#file('large/two.bin', mebibyte + this.#upTo(2 * mebibyte));
    this.#file('large/three.bin', 5 * mebibyte + this.#upTo(2 * mebibyte));
  }

  #upTo(most: number): number {
    return Math.floor(this.#random() * most);
  }

  #path(name: string): string {
    return path.join(this.#folder, name);
  }

  #file(name: string, content: number | string): void {
    const file = this.#path(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'number' ? randomBytes(content) : content);
  }
}

/** What happens to files that were protected in an earlier run. */
export function changeEarlier(folder: string): void {
  const at = (name: string): string => path.join(folder, name);
  if (!existsSync(at('tree/0/4.dat'))) return;
  renameSync(at('tree/0/4.dat'), at('tree/renamed.dat'));
  rmSync(at('tree/1/5.dat'));
  appendFileSync(at('tree/2/6.dat'), 'and more');
  chmodSync(at('tree/3/7.dat'), 0o600);
  utimesSync(at('tree/0/8.dat'), 1_000_000_000.5, 1_000_000_000.5);
}
