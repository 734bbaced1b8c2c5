import { auditSigners } from '../../audit/keys.ts';
import { proveVersion } from '../../audit/prove.ts';
import { Failure } from '../../domain/failures.ts';
import type { Id } from '../../domain/records.ts';
import { say } from '../../text/voice.ts';
import { exactPath } from '../exact-path.ts';
import { newFile } from '../new-file.ts';
import { bytes } from '../output.ts';
import { requireReader, type Session, unlock, withCatalog } from '../session.ts';
import { parseTarget, requireSource } from '../target.ts';

export interface ProveOptions {
  readonly version?: string;
  readonly withholdPath?: boolean;
  readonly output: string;
}

/** Writes what happened to one version of a file so that somebody outside can verify it. */
export async function runProve(session: Session, target: string, options: ProveOptions): Promise<void> {
  const { source, path: given } = parseTarget(target);
  if (given === undefined) throw new Failure('usage', { detail: say('audit', 'prove_takes') });
  const installation = await unlock(session);
  const { config, keys, keyring } = installation;
  requireReader(config);
  const signers = auditSigners(keyring.root);
  const { repository, destinations } = config;
  await withCatalog(session, async (catalog) => {
    const sourceId = await requireSource(catalog, source);
    const path = await exactPath(catalog, sourceId, given);
    const versions = await catalog.rows<{ id: Id }>(
      `select v.id from versions v join entries e on e.id = v.entry_id
       where e.source_id = $1 and e.path = $2 and ($3::text is null or v.id = $3) order by v.observation desc limit 1`,
      [sourceId, path, options.version ?? null],
    );
    const [version] = versions;
    if (version === undefined)
      throw options.version === undefined
        ? new Failure('path_unknown')
        : new Failure('version_unknown', { version: options.version });
    const proof = await proveVersion(
      { catalog, repository, signers, keys, destinations },
      { versionId: version.id, withholdPath: options.withholdPath ?? false },
    );
    const file = await newFile(options.output);
    try {
      await file.writeFile(proof);
      await file.sync();
    } finally {
      await file.close();
    }
    const written = { versionId: version.id, file: options.output, sizeBytes: proof.length };
    session.output.result(written, () =>
      say('audit', 'proof', { id: version.id, file: options.output, bytes: bytes(proof.length) }),
    );
  });
}
