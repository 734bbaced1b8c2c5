import { proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { AuditActivities } from '../activities/audit.ts';
import type { AuditVerifyAnswer } from '../src/domain/steps.ts';
import { publish } from './search-attributes.ts';
import { gate } from './steps.ts';

/** Holds the audit trail against its signatures and anchors; started by a schedule, one at a time. */
export async function verifyAudit(): Promise<Extract<AuditVerifyAnswer, { next: 'verified' }>> {
  const { verifyAuditTrail } = proxyActivities<AuditActivities>({
    startToCloseTimeout: '6 hours',
    heartbeatTimeout: '60s',
    retry: { maximumAttempts: 20, initialInterval: '1s', maximumInterval: '5 minutes' },
  });
  const runId = workflowInfo().runId.replaceAll('-', '');
  publish({ run: runId });
  for (;;) {
    const answer = await verifyAuditTrail({ runId });
    if (answer.next === 'verified') return answer;
    if (answer.next === 'busy') await sleep('1s');
    else await gate.awaitDependency(answer.dependency);
  }
}
