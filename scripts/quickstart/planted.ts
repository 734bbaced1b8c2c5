import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eicar } from './eicar.ts';

/** What is planted in the quickstart's own source, so that every answer of the pipeline is seen once. */
export interface PlantedFile {
  readonly name: Buffer;
  readonly content: Buffer;
  readonly shownAs: string;
  readonly why: string;
}

/** Rules for the planted source only, as `policy.sources` of holdfast.yaml takes them. */
export const plantedRules = {
  admission: { deny_names: ['*.not-admitted'] },
  release: { deny_names: ['*.not-released'] },
};

/** The file whose life story is shown and whose deletion is tried: new in every run, so its lock is in force. */
export const storyFile = 'story.txt';

const sameLetter = Buffer.from('Two names, one content: this is stored once.\n');

export const plantedFiles = (now: Date): readonly PlantedFile[] => [
  file(storyFile, `Written for the quickstart at ${now.toISOString()}.\n`, 'new in every run'),
  file('eicar.com', eicar, 'the EICAR test file: malware to the scanner'),
  file('draft.not-admitted', 'Not worth a backup.\n', 'policy denies it at admission'),
  file('salaries.not-released', 'Not before somebody agrees.\n', 'policy denies its release'),
  file('letter.txt', sameLetter, 'one content …'),
  file('copy of letter.txt', sameLetter, '… under two names'),
  file('empty', '', 'no byte at all'),
  {
    name: Buffer.concat([Buffer.from('two\nlines and '), Buffer.from([0xff, 0xfe]), Buffer.from('.txt')]),
    content: Buffer.from('A name is bytes: this one holds a newline and is not UTF-8.\n'),
    shownAs: 'two\\x0alines and \\xff\\xfe.txt',
    why: 'a name with a newline, not UTF-8',
  },
];

function file(name: string, content: string | Buffer, why: string): PlantedFile {
  return { name: Buffer.from(name), content: Buffer.from(content), shownAs: name, why };
}

/** Puts every planted file into `folder`. One that is there as it should be is left alone: it counts as unchanged. */
export function plant(folder: string, files: readonly PlantedFile[]): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const { name, content } of files) {
    const path = Buffer.concat([Buffer.from(join(folder, '/')), name]);
    if (!holds(path, content)) writeFileSync(path, content, { mode: 0o600 });
  }
}

function holds(path: Buffer, content: Buffer): boolean {
  try {
    return readFileSync(path).equals(content);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
