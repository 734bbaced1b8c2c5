import { policyEpochs } from '../../catalog/policy-query.ts';
import { classifications } from '../../policy/config.ts';
import { policyStanding } from '../../policy/installed.ts';
import { OpaEngine } from '../../policy/opa-engine.ts';
import { localTime, printable, table } from '../output.ts';
import { type Session, sessionConfig, withCatalog } from '../session.ts';

const mostEpochs = 10;

/** What the running OPA judges by, and the last switches. */
export async function runPolicyShow(session: Session): Promise<void> {
  const { output, paths } = session;
  const { host } = sessionConfig(session);
  await withCatalog(session, async (catalog, where) => {
    const epochs = await policyEpochs(catalog, host.id, mostEpochs);
    const engine = new OpaEngine({ socketPath: where.opaSocket, timeoutMs: 3_000 });
    try {
      const { revision } = await engine.ping();
      const { result: classes } = await engine.retentionClasses();
      const { result: approval } = await engine.approvalTerms();
      const refused = policyStanding(paths.home)?.refused;
      output.value({ revision, refused, epochs, retentionClasses: classes, approval });
      output.line(`In force: ${revision}`);
      if (refused !== undefined)
        output.line(
          `WARNING: a newer one was not taken at ${localTime(new Date(refused.at))}: ${refused.detail}`,
        );
      output.line('\nEpochs, newest first:');
      output.line(
        table(
          epochs.map(({ since, revision: of, actor, withdrawn }) => [
            since === null ? (withdrawn ? 'not taken' : 'announced') : localTime(since),
            of.slice(0, 16),
            printable(actor),
          ]),
        ),
      );
      output.line('\nRetention classes:');
      output.line(
        table(
          Object.entries(classes).map(([name, { mode, days, versions, minimumDays, erasable }]) => [
            printable(name),
            `${mode} for ${days} d`,
            `${versions} versions`,
            `at least ${minimumDays} d`,
            erasable ? 'erasable' : '',
          ]),
        ),
      );
      output.line('\nApprovals a held file needs:');
      output.line(table(classifications.map((name) => [name, String(approval.required[name])])));
      output.line(
        approval.approvers.length === 0
          ? 'Nobody may approve: register approvers in the policy data (docs/policy.md).'
          : `Approvers: ${approval.approvers.map(({ name }) => printable(name)).join(', ')}`,
      );
    } finally {
      engine.close();
    }
  });
}
