import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../../src/text/voice.ts';
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
  file(storyFile, `Written for the quickstart at ${now.toISOString()}.\n`, say('tour', 'new_every_run')),
  file('eicar.com', eicar, say('tour', 'why_eicar')),
  file('draft.not-admitted', 'Not worth a backup.\n', say('tour', 'why_not_admitted')),
  file('salaries.not-released', 'Not before somebody agrees.\n', say('tour', 'why_not_released')),
  file('letter.txt', sameLetter, say('tour', 'one_content')),
  file('copy of letter.txt', sameLetter, say('tour', 'two_names')),
  file('empty', '', say('tour', 'no_byte')),
  {
    name: Buffer.concat([Buffer.from('two\nlines and '), Buffer.from([0xff, 0xfe]), Buffer.from('.txt')]),
    content: Buffer.from('A name is bytes: this one holds a newline and is not UTF-8.\n'),
    shownAs: 'two\\x0alines and \\xff\\xfe.txt',
    why: say('tour', 'why_newline'),
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
