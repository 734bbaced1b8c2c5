import type { Recipients } from '../openpgp/recipients.ts';
import type { EvidenceSealer } from '../pipeline/evidence.ts';
import { type SigningHost, sealSigned } from './signed-message.ts';

/** Seals the inputs of decisions to the recipients: docs/format.md section 8.4. */
export function signedEvidence(host: SigningHost, recipients: Recipients): EvidenceSealer {
  return async (decisionId, _, input) => ({
    sealed: await sealSigned(host, recipients, `decisions/${decisionId}`, input),
    keyId: recipients.id,
  });
}
