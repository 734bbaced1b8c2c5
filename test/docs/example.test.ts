import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type ConfigFile, parseConfig } from '../../src/config.ts';
import { policyConfigSchema } from '../../src/policy/config.ts';
import { renderPolicyConfig } from '../../src/policy/render.ts';

const root = path.join(import.meta.dirname, '../..');
const text = readFileSync(path.join(root, 'holdfast.example.yaml'), 'utf8');
/** The lines of the external services, which are comments in the file. */
const externalText = [...text.matchAll(/^#\| (.*)$/gm)].map(([, line]) => line).join('\n');
const example = parse(text) as ConfigFile;
const external = { ...example, ...(parse(externalText) as Pick<ConfigFile, 'services'>) };

/** Every key that src/config.ts checks, taken from its source: the schema itself is private to that file. */
function schemaKeys(): string[] {
  const source = readFileSync(path.join(root, 'src/config.ts'), 'utf8');
  const schemas = source.slice(source.indexOf('const source = z'), source.indexOf('export type Config'));
  const code = schemas
    .replace(/\/\*\*[\s\S]*?\*\//g, '')
    .replace(/'[^']*'/g, "''")
    // The first of several forms of a service, not a key.
    .replace(/\[\s*\w+,/g, '[');
  return [
    ...new Set(
      [...code.matchAll(/(?:^|[{,(])\s*([a-zA-Z]\w*)\s*(?::|,(?=\s*\n))/gm)].map(([, key = '']) => key),
    ),
  ];
}

function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => [key, ...keysOf(below)]);
}

test('the example is a valid configuration, with embedded and with external services', () => {
  expect(parseConfig(text, 'example').services.s3.mode).toBe('embedded');
  const { services } = parseConfig(stringify(external), 'example');
  expect(Object.values(services).map(({ mode }) => mode)).toEqual(Array(5).fill('external'));
});

test('its rules for sources are rules that the policy takes', () => {
  const rendered = renderPolicyConfig(parseConfig(text, 'example'), ['passphrase']);
  expect(policyConfigSchema.safeParse(rendered).error).toBeUndefined();
  expect(rendered.sources.documents).toEqual(example.policy?.sources?.documents);
  const { shape } = policyConfigSchema.shape.sources.valueType;
  expect(Object.keys(rendered.sources.documents ?? {}).sort()).toEqual(Object.keys(shape).sort());
});

test('its times are those of Douala', () => {
  const zones = [...text.matchAll(/^\s*timezone: (\S+)$/gm)].map(([, zone]) => zone);
  expect(parseConfig(text, 'example').timezone).toBe('Africa/Douala');
  expect(new Set(zones)).toEqual(new Set(['Africa/Douala']));
});

test('every key of the schema occurs in it', () => {
  const keys = schemaKeys();
  // Were the search to find too little, nothing below would mean anything.
  expect(keys).toEqual(expect.arrayContaining(['name', 'oneFileSystem', 'apiKeyFile', 'caFile', 'sources']));
  expect(keys.length).toBeGreaterThan(45);
  const present = new Set([...keysOf(example), ...keysOf(external)]);
  expect(keys.filter((key) => !present.has(key))).toEqual([]);
});

test('what it calls a default is the default', () => {
  const shown = parseConfig(text, 'example');
  const [source] = example.sources;
  const [destination] = example.destinations;
  const least = {
    version: 1,
    repository: example.repository,
    host: { id: example.host.id },
    sources: [{ name: source?.name, path: source?.path }],
    destinations: [
      { name: destination?.name, bucket: destination?.bucket, lock: { days: destination?.lock.days } },
    ],
  };
  const assumed = parseConfig(stringify(least), 'least');
  expect(shown.pipeline).toEqual(assumed.pipeline);
  expect(shown.verify).toEqual(assumed.verify);
  expect(shown.services).toEqual(assumed.services);
  expect(shown.destinations).toEqual(assumed.destinations);
  expect({ ...shown.policy, sources: {} }).toEqual(assumed.policy);
  expect(shown.sources[0]?.quarantine).toBe(assumed.sources[0]?.quarantine);
  expect(shown.sources[0]?.oneFileSystem).toBe(assumed.sources[0]?.oneFileSystem);
});

test('a misspelt key is refused by its name', () => {
  const misspelt = text.replace('oneFileSystem: false', 'oneFilesystem: false');
  expect(() => parseConfig(misspelt, 'example')).toThrow(/oneFilesystem/);
});
