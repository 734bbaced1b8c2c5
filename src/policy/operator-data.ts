import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Failure } from '../domain/failures.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * The operator's own policy data: a file of YAML or JSON, or a folder whose `*.yaml`, `*.yml` and `*.json` are laid over
 * each other in the order of their names. Failure `policy_invalid`.
 */
export async function readOperatorData(path: string): Promise<Json> {
  const isFolder = (await stat(path).catch(unreadable(path))).isDirectory();
  const names = isFolder ? (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort() : [];
  const files = isFolder ? names.map((name) => join(path, name)) : [path];
  let data: Json = {};
  for (const file of files)
    data = mergePatch(data, parsed(file, await readFile(file, 'utf8').catch(unreadable(file))));
  return data;
}

/**
 * RFC 7396 (JSON Merge Patch): objects are merged key by key, a null takes its key away, and everything else, lists too,
 * takes the place of what was there.
 */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key) ?? null, value));
  }
  return Object.fromEntries(merged);
}

function isObject(value: Json): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(file: string, text: string): Json {
  let value: Json;
  try {
    // An empty file, or one of comments alone, is null: it changes nothing.
    value = (parse(text) as Json) ?? {};
  } catch (error) {
    throw new Failure('policy_invalid', {
      detail: `${file}: ${error instanceof Error ? error.message : 'not YAML'}`,
    });
  }
  if (!isObject(value)) throw new Failure('policy_invalid', { detail: `${file} holds no keys` });
  return value;
}

const unreadable =
  (path: string) =>
  (error: unknown): never => {
    throw new Failure('policy_invalid', { detail: `${path} cannot be read` }, { cause: error });
  };
