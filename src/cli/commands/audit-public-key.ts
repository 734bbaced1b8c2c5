import { auditKeys } from '../audit-keys.ts';
import { type Session, sessionConfig } from '../session.ts';

/** Prints the keys that the audit trail is signed with, the newest last. */
export async function runAuditPublicKey(session: Session): Promise<void> {
  const { repository } = sessionConfig(session);
  for (const { id, text } of await auditKeys(session, undefined)) {
    session.output.value({ repository, id, publicKey: text });
    session.output.line(text);
  }
}
