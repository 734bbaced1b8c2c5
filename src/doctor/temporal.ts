import { Connection, isGrpcServiceError } from '@temporalio/client';
import { searchAttributes } from '../../workflows/search-attributes.ts';
import { connected, connectionOptions } from '../temporal/connect.ts';
import { say } from '../text/voice.ts';
import { type Check, type Finding, ok } from './check.ts';

/** Below this a workflow that failed over a weekend cannot be looked at any more. */
const leastRetentionDays = 3;
/** status codes of gRPC: PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED. */
const notForUs = [7, 12, 16];

/** Whether the namespace is there, keeps what ended for a while, and knows what workflows are searched by. */
export const temporal: Check = {
  name: 'temporal',
  async look({ endpoints }) {
    const { namespace, ...address } = endpoints.temporal;
    const options = { ...(await connectionOptions({ namespace, ...address })), connectTimeout: '5s' };
    const connection = await connected(() => Connection.connect(options));
    try {
      return await connected(async () => {
        const described = await connection.workflowService.describeNamespace({ namespace });
        const seconds = Number(described.config?.workflowExecutionRetentionTtl?.seconds ?? 0);
        const info = await connection.workflowService.getSystemInfo({});
        return judgeNamespace({
          namespace,
          server: info.serverVersion ?? 'unknown',
          retentionDays: seconds / 86_400,
          attributes: await attributesOf(connection, namespace),
        });
      });
    } finally {
      await connection.close();
    }
  },
};

interface NamespaceStanding {
  readonly namespace: string;
  /** Version of the server. */
  readonly server: string;
  readonly retentionDays: number;
  /** Names of the custom search attributes; undefined where this account may not list them. */
  readonly attributes: readonly string[] | undefined;
}

export function judgeNamespace({
  namespace,
  server,
  retentionDays,
  attributes,
}: NamespaceStanding): Finding[] {
  const findings: Finding[] = [];
  if (retentionDays < leastRetentionDays)
    findings.push({
      state: 'warning',
      what: say('doctor', 'forgets', { namespace, hours: String(Math.round(retentionDays * 24)) }),
      means: say('doctor', 'forgets_means'),
      todo: `temporal operator namespace update --retention ${leastRetentionDays}d ${namespace}`,
    });
  const lacking = Object.values(searchAttributes)
    .map(({ name }) => name)
    .filter((name) => attributes !== undefined && !attributes.includes(name));
  if (lacking.length > 0)
    findings.push({
      state: 'problem',
      what: say('doctor', 'attributes', { namespace, names: lacking.join(', ') }),
      means: say('doctor', 'attributes_means'),
      todo: say('doctor', 'attributes_todo'),
    });
  if (findings.length > 0) return findings;
  return [ok(say('doctor', 'temporal_well', { server, namespace, days: Math.round(retentionDays) }))];
}

async function attributesOf(
  { operatorService }: Connection,
  namespace: string,
): Promise<readonly string[] | undefined> {
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    return Object.keys(customAttributes ?? {});
  } catch (error) {
    if (isGrpcServiceError(error) && notForUs.includes(error.code)) return undefined;
    throw error;
  }
}
