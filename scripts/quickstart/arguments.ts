import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Failure } from '../../src/domain/failures.ts';
import { detail } from '../../src/text/voice.ts';

export interface Arguments {
  /** Real path of the folder to protect; undefined for the checkout. */
  readonly folder: string | undefined;
  readonly keep: boolean;
  readonly help: boolean;
}

/** @param folderOfCaller what a relative folder is relative to: npm runs scripts in the checkout. Failure `usage`. */
export function readArguments(args: readonly string[], folderOfCaller: string): Arguments {
  const { values, positionals } = parse(args);
  const [folder, ...more] = positionals;
  if (more.length > 0) throw new Failure('usage', { detail: detail('The quickstart takes one folder.') });
  return {
    folder: folder === undefined ? undefined : existingFolder(resolve(folderOfCaller, folder)),
    keep: values.keep === true,
    help: values.help === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new Failure('usage', { detail: error instanceof Error ? error.message : String(error) });
  }
}

function existingFolder(folder: string): string {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Failure('usage', { detail: detail(`This is no folder: ${folder}`) });
  }
  return realpathSync(folder);
}
