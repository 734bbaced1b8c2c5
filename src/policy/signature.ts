import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Failure } from '../domain/failures.ts';

/** What OPA needs to know to load only bundles signed with one key. */
export interface BundleSignature {
  /** PEM of the public key. */
  readonly publicKeyFile: string;
  /** Of the JSON Web Signature in the bundle. */
  readonly algorithm: 'RS256' | 'ES256' | 'ES384' | 'ES512';
}

const curves: Record<string, BundleSignature['algorithm']> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** Failure `policy_invalid` for a file that holds no such key. */
export function bundleSignature(publicKeyFile: string): BundleSignature {
  let algorithm: BundleSignature['algorithm'] | undefined;
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey(readFileSync(publicKeyFile));
    if (asymmetricKeyType === 'rsa') algorithm = 'RS256';
    if (asymmetricKeyType === 'ec') algorithm = curves[asymmetricKeyDetails?.namedCurve ?? ''];
  } catch (error) {
    throw new Failure('policy_invalid', { detail: `${publicKeyFile} holds no public key` }, { cause: error });
  }
  if (algorithm === undefined)
    throw new Failure('policy_invalid', { detail: `${publicKeyFile} holds neither an RSA nor an EC key` });
  return { publicKeyFile, algorithm };
}

/** The arguments with which `opa run` loads nothing that is not signed so. */
export function verificationArguments(signature: BundleSignature | undefined): string[] {
  if (signature === undefined) return [];
  return ['--verification-key', signature.publicKeyFile, '--signing-alg', signature.algorithm];
}
