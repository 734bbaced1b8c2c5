import { policyEpochs } from '../../catalog/policy-query.ts';
import { classifications } from '../../policy/config.ts';
import { policyStanding } from '../../policy/installed.ts';
import { OpaEngine } from '../../policy/opa-engine.ts';
import { say, detail as tell } from '../../text/voice.ts';
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
      output.line(say('policy', 'in_force', { revision }));
      if (refused !== undefined)
        output.line(
          say('policy', 'newer_refused', {
            at: localTime(new Date(refused.at)),
            detail: tell(refused.detail),
          }),
        );
      output.line(`\n${say('policy', 'epochs')}`);
      output.line(
        table(
          epochs.map(({ since, revision: of, actor, withdrawn }) => [
            since === null
              ? withdrawn
                ? say('policy', 'not_taken')
                : say('policy', 'announced')
              : localTime(since),
            of.slice(0, 16),
            printable(actor),
          ]),
        ),
      );
      output.line(`\n${say('policy', 'classes')}`);
      output.line(
        table(
          Object.entries(classes).map(([name, { mode, days, versions, minimumDays, erasable }]) => [
            printable(name),
            say('policy', 'mode_days', { mode: String(mode), days }),
            say('policy', 'versions', { count: versions }),
            say('policy', 'at_least', { days: minimumDays }),
            erasable ? say('policy', 'erasable') : '',
          ]),
        ),
      );
      output.line(`\n${say('policy', 'approvals')}`);
      output.line(table(classifications.map((name) => [name, String(approval.required[name])])));
      output.line(
        approval.approvers.length === 0
          ? say('policy', 'no_approvers')
          : say('policy', 'approvers', {
              names: approval.approvers.map(({ name }) => printable(name)).join(', '),
            }),
      );
    } finally {
      engine.close();
    }
  });
}
