import { Failure } from '../domain/failures.ts';
import type { Id, SealedFormat } from '../domain/records.ts';
import type { Recipients } from '../openpgp/recipients.ts';
import type { PipelineContext } from './context.ts';
import { keyIdOf } from './keys.ts';
import type { AdmittedVersion } from './policy-input.ts';

/**
 * What keeps objects of one content apart that cannot stand in for each other: who can open one cannot therefore open the
 * other. An OpenPGP message's scope names its set of recipients too.
 */
export function storedAs(
  { admission }: AdmittedVersion,
  keyId: Id,
): { readonly scope: string; readonly format: SealedFormat } {
  const { format, scope } = admission;
  return { format, scope: objectScope(format, scope, keyId) };
}

/** @param keyId of the key, or set of recipients, that the object is sealed with */
export function objectScope(format: SealedFormat, keyScope: string, keyId: Id): string {
  return format === 'openpgp' ? `${keyScope}/openpgp/${keyId}` : keyScope;
}

/** Id of the key, or set of recipients, that the version would be sealed with now. */
export function keyInUse(context: PipelineContext, { admission }: AdmittedVersion): Id {
  return admission.format === 'openpgp'
    ? recipientsOf(context).id
    : keyIdOf(context.keys.sealingKey(admission.scope));
}

/** Failure `openpgp_unconfigured` where policy asks for messages and the configuration names nobody to seal them to. */
export function recipientsOf({ recipients }: Pick<PipelineContext, 'recipients'>): Recipients {
  if (recipients === undefined) throw new Failure('openpgp_unconfigured');
  return recipients;
}
