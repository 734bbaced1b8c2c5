import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { Installation } from '../installation.ts';
import { configuredRecipients } from '../openpgp/configured.ts';
import { writePrivate } from '../stack/secrets.ts';
import {
  assembleBundle,
  type Bundle,
  configOf,
  readSignedBundle,
  rulesRevisionOf,
  termsOf,
  writeBundle,
} from './bundle.ts';
import type { PolicyConfig } from './config.ts';
import { readOperatorData } from './operator-data.ts';
import { renderPolicyConfig } from './render.ts';
import { type BundleSignature, bundleSignature } from './signature.ts';
import { validateBundle } from './validate.ts';

/** The rules of this installation, where the configuration names no others. */
export const policiesFolder = (home: string): string => join(home, 'policies');

/** The bundle that OPA is given at each of its starts. */
export const bundleFile = (home: string): string => join(home, 'run', 'policy-bundle.tar.gz');

/** What the bundle in {@link bundleFile} is, and what was refused since. */
const standingFile = (home: string): string => join(home, 'run', 'policy.json');

/** Which policy an installation's own OPA is given. */
export interface PolicyStanding {
  readonly revision: string;
  /** Of its rules and data alone: equal on hosts that judge alike. */
  readonly rulesRevision: string;
  /** By source name: what its files are judged by. Equal where sources are judged alike. */
  readonly terms: Readonly<Record<string, string>>;
  /** When it was taken, ISO 8601 UTC. */
  readonly at: string;
  /** A newer one that was not taken, and why. */
  readonly refused?: { readonly at: string; readonly detail: string };
}

/** Undefined before the first start. */
export function policyStanding(home: string): PolicyStanding | undefined {
  if (!existsSync(standingFile(home))) return undefined;
  return JSON.parse(readFileSync(standingFile(home), 'utf8')) as PolicyStanding;
}

/** By source, what a bundle judges its files by; nothing for one that is not this installation's. */
export function installedTerms(home: string, revision: string, ids: Ids): Map<Id, string> {
  const standing = policyStanding(home);
  const terms = standing?.revision === revision ? standing.terms : {};
  return new Map(Object.entries(terms).map(([name, of]) => [ids.source(name), of]));
}

/** What the rules are told of this installation's configuration. */
async function installedConfig({ config, keyring }: Installation): Promise<PolicyConfig> {
  const recipients = await configuredRecipients(config, keyring.root.naming);
  return renderPolicyConfig(config, recipients?.names ?? []);
}

/** How bundles of this installation must be signed; undefined: they need not be. */
export function installedSignature({ config }: Installation): BundleSignature | undefined {
  const file = config.policy.bundle?.publicKeyFile;
  return file === undefined ? undefined : bundleSignature(file);
}

/**
 * The bundle as rules, data and configuration are now; where signatures are asked for, the signed one, if it was made for
 * this configuration. Failure `policy_invalid`.
 */
export async function installedBundle(installation: Installation): Promise<Bundle> {
  const { policy } = installation.config;
  if (policy.bundle?.publicKeyFile === undefined) return unsignedBundle(installation);
  const signed = await readSignedBundle(policy.bundle.dir);
  if (!configOf(signed)?.equals(canonical(await installedConfig(installation))))
    throw new Failure('policy_invalid', {
      detail:
        'the signed bundle was made for another configuration: write it anew with `policy bundle`, and sign that',
    });
  return signed;
}

/** The same, to be signed: what `policy bundle` writes. */
export async function unsignedBundle(installation: Installation, policiesDir?: string): Promise<Bundle> {
  const { config, paths } = installation;
  const { data, bundle } = config.policy;
  return assembleBundle({
    policiesDir: policiesDir ?? bundle?.dir ?? policiesFolder(paths.home),
    config: await installedConfig(installation),
    ...(data === undefined ? {} : { operatorData: await readOperatorData(data) }),
  });
}

/**
 * Brings {@link bundleFile} up to date before OPA starts. One that is broken never takes the place of one that works: that
 * one stays, and the refusal is told and kept. Failure `policy_invalid` where there is none yet.
 */
export async function prepareBundle(
  installation: Installation,
  tool: string,
  onWarning: (message: string) => void,
): Promise<string> {
  const { home } = installation.paths;
  const before = existsSync(bundleFile(home)) ? policyStanding(home) : undefined;
  try {
    const bundle = await installedBundle(installation);
    const signature = installedSignature(installation);
    // Of a signed one the revision does not tell whether its signature is the one asked for.
    if (before?.revision !== bundle.revision || signature !== undefined)
      await validateBundle(tool, bundle, signature);
    await takeBundle(home, bundle);
  } catch (error) {
    if (!(error instanceof Failure) || before === undefined) throw error;
    noteRefusal(home, error);
    onWarning(`The policy was not changed: ${error.message}`);
  }
  return bundleFile(home);
}

/** Makes a bundle the one that OPA starts with. */
export async function takeBundle(home: string, bundle: Bundle): Promise<void> {
  await writeBundle(bundle, bundleFile(home));
  const { revision } = bundle;
  const at = new Date().toISOString();
  writeStanding(home, { revision, rulesRevision: rulesRevisionOf(bundle), terms: termsOf(bundle), at });
}

/** What {@link takeBundle} takes the place of. */
export interface KeptBundle {
  readonly bytes: Buffer;
  readonly standing: PolicyStanding;
}

export function keepBundle(home: string): KeptBundle | undefined {
  const standing = policyStanding(home);
  return standing && { bytes: readFileSync(bundleFile(home)), standing };
}

/** Takes {@link takeBundle} back. */
export function restoreBundle(home: string, { bytes, standing }: KeptBundle): void {
  writePrivate(bundleFile(home), bytes);
  writeStanding(home, standing);
}

/** Keeps why a policy was not taken, for `status` and `doctor`. */
export function noteRefusal(home: string, { facts }: Failure): void {
  const standing = policyStanding(home);
  if (standing === undefined) return;
  const refused = { at: new Date().toISOString(), detail: String(facts.detail ?? '') };
  writeStanding(home, { ...standing, refused });
}

function writeStanding(home: string, standing: PolicyStanding): void {
  writePrivate(standingFile(home), JSON.stringify(standing));
}
