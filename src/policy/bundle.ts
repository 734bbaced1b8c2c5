import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import { type PolicyConfig, policyConfigSchema } from './config.ts';
import { type TarFile, tar } from './tar.ts';

export interface BundleRequest {
  /** Folder with the rules (`*.rego`) and `data.json`; tests and schemas stay out of the bundle. */
  readonly policiesDir: string;
  readonly config: PolicyConfig;
  /** Where the `.tar.gz` goes; it replaces what is there in one step. */
  readonly outFile: string;
}

/**
 * Writes the OPA bundle (https://www.openpolicyagent.org/docs/latest/management-bundles/) both gates are judged by.
 *
 * `revision` is the SHA-256, hex, of the RFC 8785 array of [name, SHA-256 of content], sorted by name: equal
 * rules and configuration give the same revision on every machine, and OPA states it with every answer.
 * Throws `policy_invalid` for a configuration that is out of form.
 */
export async function buildBundle(request: BundleRequest): Promise<{ revision: string }> {
  const config = policyConfigSchema.safeParse(request.config);
  if (!config.success) throw new Failure('policy_invalid', { detail: config.error.issues[0]?.message ?? '' });
  const files = [
    ...(await policyFiles(request.policiesDir)),
    { name: 'holdfast/config/data.json', content: canonical(config.data) },
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
  const revision = revisionOf(files);
  const manifest = canonical({ revision, roots: ['holdfast'], rego_version: 1 });
  await replaceFile(request.outFile, gzipSync(tar([{ name: '.manifest', content: manifest }, ...files])));
  return { revision };
}

async function policyFiles(policiesDir: string): Promise<TarFile[]> {
  const found = await readdir(policiesDir, { recursive: true, withFileTypes: true });
  const files: TarFile[] = [];
  for (const item of found) {
    if (!item.isFile()) continue;
    const path = join(item.parentPath, item.name);
    const name = path.slice(join(policiesDir, '/').length);
    const isRule = name.endsWith('.rego') && !name.endsWith('_test.rego');
    if (isRule || basename(name) === 'data.json') files.push({ name, content: await readFile(path) });
  }
  if (!files.some((file) => file.name.endsWith('.rego'))) {
    throw new Failure('policy_invalid', { detail: 'the policy folder holds no rules' });
  }
  return files;
}

function revisionOf(files: readonly TarFile[]): string {
  return sha256(canonical(files.map((file) => [file.name, sha256(file.content)])));
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Readers see the old bundle or the new one, never a part. */
async function replaceFile(path: string, content: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
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
