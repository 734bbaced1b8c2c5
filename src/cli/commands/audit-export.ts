import { exportAudit } from '../../audit/export.ts';
import { Failure } from '../../domain/failures.ts';
import { say } from '../../text/voice.ts';
import { auditSigner } from '../audit-keys.ts';
import { newFile } from '../new-file.ts';
import { type Session, unlock, withCatalog } from '../session.ts';

export interface AuditExportOptions {
  readonly from: Date;
  readonly to?: Date;
  readonly output?: string;
}

/** Writes events as signed JSON lines, to the terminal or into a new file. */
export async function runAuditExport(session: Session, options: AuditExportOptions): Promise<void> {
  const { output, signal } = session;
  const { from, to = new Date() } = options;
  if (from > to) throw new Failure('usage', { detail: say('audit', 'from_later') });
  const installation = await unlock(session);
  const signer = auditSigner(installation);
  const { repository } = installation.config;
  await withCatalog(session, async (catalog) => {
    const file = options.output === undefined ? undefined : await newFile(options.output);
    try {
      let lines = 0;
      for await (const line of exportAudit(catalog, signer, { repository, from, to, signal })) {
        if (file === undefined) await output.content(Buffer.from(line));
        else await file.write(line);
        if (++lines % 1_000 === 0) output.progress(say('audit', 'written', { count: lines }));
      }
      await file?.sync();
      if (file !== undefined) {
        const written = { file: options.output, events: lines - 2 };
        output.result(written, () =>
          say('audit', 'exported', { count: written.events, file: written.file ?? '' }),
        );
      }
    } finally {
      await file?.close();
    }
  });
}
