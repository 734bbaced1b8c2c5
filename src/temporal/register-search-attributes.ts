import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, isGrpcServiceError } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { searchAttributes } from '../../workflows/search-attributes.ts';
import { Failure } from '../domain/failures.ts';

type Services = Pick<Connection, 'operatorService' | 'workflowService'>;

/** As `temporal operator search-attribute create --type` takes them, and as the server's API does. */
const types = {
  KEYWORD: { name: 'Keyword', code: encodeSearchAttributeIndexedValueType('KEYWORD') ?? 0 },
  KEYWORD_LIST: { name: 'KeywordList', code: encodeSearchAttributeIndexedValueType('KEYWORD_LIST') ?? 0 },
  DATETIME: { name: 'Datetime', code: encodeSearchAttributeIndexedValueType('DATETIME') ?? 0 },
} as const;
const wanted = Object.values(searchAttributes);

/** A server keeps what it knows of a namespace for up to ten seconds. */
const mostPolls = 60;
const pollMs = 500;

/** status codes of gRPC. */
const invalidArgument = 3;
const alreadyExists = 6;
/** INVALID_ARGUMENT (no room for more), NOT_FOUND, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED: somebody else has to do it. */
const notForUs = [invalidArgument, 5, 7, 12, 16];

/**
 * Has a namespace know our search attributes. Failure `search_attributes_missing` where this account may not register them,
 * or one of that name has another type.
 */
export async function registerSearchAttributes(services: Services, namespace: string): Promise<void> {
  if ((await registerLacking(services, namespace)) === 0) return;
  for (let polls = 0; !(await areKnown(services, namespace)); polls++) {
    if (polls === mostPolls) throw missing(namespace);
    await sleep(pollMs);
  }
}

/** Gives how many were registered. */
async function registerLacking(services: Services, namespace: string): Promise<number> {
  const { operatorService } = services;
  try {
    const { customAttributes: known } = await operatorService.listSearchAttributes({ namespace });
    if (wanted.some(({ name, type }) => name in known && known[name] !== types[type].code))
      throw missing(namespace);
    const lacking = wanted.filter(({ name }) => !(name in known));
    const added = Object.fromEntries(lacking.map(({ name, type }) => [name, types[type].code]));
    if (lacking.length > 0) await operatorService.addSearchAttributes({ namespace, searchAttributes: added });
    return lacking.length;
  } catch (error) {
    if (!isGrpcServiceError(error)) throw error;
    // Another host does it at the same moment.
    if (error.code === alreadyExists) return wanted.length;
    if (!notForUs.includes(error.code)) throw error;
    // Who may not even list them may still be able to use them.
    if (await areKnown(services, namespace)) return 0;
    throw missing(namespace, error);
  }
}

/** Whether workflows can be searched by all of them, by a query that finds none. */
async function areKnown({ workflowService }: Services, namespace: string): Promise<boolean> {
  const query = wanted
    .map(({ name, type }) => (type === 'DATETIME' ? `${name} = '1970-01-01T00:00:00Z'` : `${name} = '-'`))
    .join(' and ');
  try {
    await workflowService.countWorkflowExecutions({ namespace, query });
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === invalidArgument) return false;
    throw error;
  }
}

function missing(namespace: string, cause?: Error): Failure {
  const options = wanted.map(({ name, type }) => `--name ${name} --type ${types[type].name}`);
  return new Failure(
    'search_attributes_missing',
    {
      namespace,
      command: `temporal operator search-attribute create --namespace ${namespace} ${options.join(' ')}`,
    },
    { cause },
  );
}
