import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { z } from 'zod';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import { makeFolder } from '../files/make-folder.ts';
import { type PolicyConfig, policyConfigSchema } from './config.ts';
import { policyDataSchema } from './data.ts';
import { mergePatch } from './operator-data.ts';
import { type TarFile, tar } from './tar.ts';

export interface BundleRequest {
  /** Folder with the rules (`*.rego`) and `data.json`; tests and schemas stay out of the bundle. */
  readonly policiesDir: string;
  readonly config: PolicyConfig;
  /** The operator's own, laid over `data.holdfast.defaults` of the folder. */
  readonly operatorData?: Parameters<typeof mergePatch>[1];
}

/** An OPA bundle (https://www.openpolicyagent.org/docs/latest/management-bundles/), as the files it is made of. */
export interface Bundle {
  /**
   * SHA-256, hex, of the RFC 8785 array of [name, SHA-256 of content], sorted by name: equal rules, data and configuration
   * give the same revision on every machine, and OPA states it with every answer.
   */
  readonly revision: string;
  readonly files: readonly TarFile[];
}

const manifestName = '.manifest';
const signaturesName = '.signatures.json';
const configName = 'holdfast/config/data.json';

/** The bundle that the gates are judged by. Failure `policy_invalid` names the key that is out of form. */
export async function assembleBundle(request: BundleRequest): Promise<Bundle> {
  const config = checked(policyConfigSchema, request.config, 'configuration');
  const files = (await policyFiles(request.policiesDir))
    .map((file) => (file.name === 'data.json' ? withOperatorData(file, request.operatorData ?? {}) : file))
    .concat({ name: configName, content: canonical(config) })
    .sort(byName);
  const revision = revisionOf(files);
  const manifest = canonical({ revision, roots: ['holdfast'], rego_version: 1 });
  return { revision, files: [{ name: manifestName, content: manifest }, ...files] };
}

/**
 * A bundle that was assembled and then signed elsewhere (`opa sign`), as it lies in a folder: OPA checks the signature,
 * this only that its revision is the one of its files. Failure `policy_invalid`.
 */
export async function readSignedBundle(folder: string): Promise<Bundle> {
  const files = (await filesBelow(folder)).sort(byName);
  const of = (name: string): TarFile => {
    const found = files.find((file) => file.name === name);
    if (found === undefined)
      throw new Failure('policy_invalid', { detail: `the signed bundle has no ${name}` });
    return found;
  };
  of(signaturesName);
  const revision = revisionOf(files.filter(({ name }) => name !== manifestName && name !== signaturesName));
  const manifest = JSON.parse(of(manifestName).content.toString('utf8')) as { revision?: unknown };
  if (manifest.revision !== revision)
    throw new Failure('policy_invalid', { detail: 'the signed bundle has another revision than its files' });
  return { revision, files };
}

/** What a bundle was told of the configuration. */
export function configOf({ files }: Bundle): Buffer | undefined {
  return files.find(({ name }) => name === configName)?.content;
}

/** SHA-256, hex, of what is the same on every host that judges alike: rules and data, without the configuration. */
export function rulesRevisionOf({ files }: Bundle): string {
  const own = [manifestName, signaturesName, configName];
  return revisionOf(files.filter(({ name }) => !own.includes(name)));
}

/**
 * By source name, SHA-256, hex, of all that a bundle judges the source's files by: rules, data, and the configuration without
 * what it says of other sources.
 */
export function termsOf(bundle: Bundle): Record<string, string> {
  const content = configOf(bundle);
  if (content === undefined) return {};
  const config = JSON.parse(content.toString('utf8')) as PolicyConfig;
  const rules = rulesRevisionOf(bundle);
  return Object.fromEntries(
    Object.entries(config.sources).map(([name, own]) => [
      name,
      sha256(canonical([rules, { ...config, sources: { [name]: own } }])),
    ]),
  );
}

/** Writes the bundle as the `.tar.gz` that OPA reads; it takes the place of what is there in one step. */
export async function writeBundle(bundle: Bundle, outFile: string): Promise<void> {
  await replaceFile(outFile, gzipSync(tar(bundle.files)));
}

/** Writes the bundle as a folder, to be looked at or signed. */
export async function writeBundleFolder(bundle: Bundle, folder: string): Promise<void> {
  for (const { name, content } of bundle.files) {
    makeFolder(dirname(join(folder, name)), 0o755);
    await writeFile(join(folder, name), content);
  }
}

function withOperatorData(file: TarFile, operatorData: NonNullable<BundleRequest['operatorData']>): TarFile {
  const { holdfast, ...others } = JSON.parse(file.content.toString('utf8')) as {
    holdfast?: { defaults?: BundleRequest['operatorData'] };
  };
  // A folder with rules of its own may keep its data elsewhere.
  if (holdfast?.defaults === undefined) return file;
  const merged = mergePatch(holdfast.defaults, operatorData);
  const defaults = checked(policyDataSchema, merged, 'policy data');
  return { name: file.name, content: canonical({ ...others, holdfast: { ...holdfast, defaults } }) };
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data as z.output<Schema>;
  const [issue] = error.issues;
  const path = [
    ...(issue?.path ?? []),
    ...(issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []),
  ];
  const problem = issue?.code === 'unrecognized_keys' ? 'there is no such key' : (issue?.message ?? '');
  throw new Failure('policy_invalid', { detail: `${what}: ${path.join('.')}: ${problem}` });
}

async function policyFiles(policiesDir: string): Promise<TarFile[]> {
  const files = (await filesBelow(policiesDir)).filter(
    ({ name }) =>
      (name.endsWith('.rego') && !name.endsWith('_test.rego')) ||
      (basename(name) === 'data.json' && name !== configName),
  );
  if (!files.some((file) => file.name.endsWith('.rego'))) {
    throw new Failure('policy_invalid', { detail: `the policy folder ${policiesDir} holds no rules` });
  }
  return files;
}

async function filesBelow(folder: string): Promise<TarFile[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new Failure('policy_invalid', { detail: `the folder ${folder} cannot be read` }, { cause: error });
  });
  return Promise.all(
    found
      .filter((item) => item.isFile())
      .map(async (item) => {
        const path = join(item.parentPath, item.name);
        return { name: path.slice(join(folder, '/').length), content: await readFile(path) };
      }),
  );
}

const byName = (a: TarFile, b: TarFile): number => (a.name < b.name ? -1 : 1);

function revisionOf(files: readonly TarFile[]): string {
  return sha256(canonical(files.map((file) => [file.name, sha256(file.content)])));
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Readers see the old bundle or the new one, never a part. */
async function replaceFile(path: string, content: Buffer): Promise<void> {
  makeFolder(dirname(path), 0o755);
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  const handle = await open(temporary, 'wx', 0o644);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}
