import type { Recipients } from '../openpgp/recipients.ts';
import type { EvidenceSealer } from '../pipeline/evidence.ts';
import { type SigningHost, sealSigned } from './signed-message.ts';

/** Seals what policy was asked to the recipients: docs/format.md section 8.4. */
export function signedEvidence(host: SigningHost, recipients: Recipients): EvidenceSealer {
  return async (evidenceId, _, content) => ({
    sealed: await sealSigned(host, recipients, `evidence/${evidenceId}`, content),
    keyId: recipients.id,
  });
}
