import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, isGrpcServiceError } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { searchAttributes } from '../../workflows/search-attributes.ts';
import { Failure } from '../domain/failures.ts';

type Services = Pick<Connection, 'operatorService' | 'workflowService'>;

/** The names as `temporal operator search-attribute create --type` takes their types. */
const types = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList', DATETIME: 'Datetime' } as const;
const wanted = Object.values(searchAttributes);

/** A server keeps what it knows of a namespace for up to ten seconds. */
const mostPolls = 60;
const pollMs = 500;

/** status codes of gRPC. */
const invalidArgument = 3;
const alreadyExists = 6;
/** NOT_FOUND, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED: somebody else has to do it. */
const notForUs = [5, 7, 12, 16];

/**
 * Has a namespace know our search attributes. Failure `search_attributes_missing` where this account may not register them,
 * or one of that name has another type.
 */
export async function registerSearchAttributes(services: Services, namespace: string): Promise<void> {
  if (await areKnown(services, namespace)) return;
  try {
    const { customAttributes } = await services.operatorService.listSearchAttributes({ namespace });
    const lacking = wanted.filter(({ name }) => !Object.hasOwn(customAttributes, name));
    const entries = lacking.map(({ name, type }) => [name, encodeSearchAttributeIndexedValueType(type) ?? 0]);
    if (lacking.length > 0)
      await services.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(entries),
      });
  } catch (error) {
    if (!isGrpcServiceError(error) || ![...notForUs, alreadyExists, invalidArgument].includes(error.code))
      throw error;
    // Another host may have done it meanwhile.
    if (error.code !== alreadyExists) throw missing(namespace, error);
  }
  for (let polls = 0; !(await areKnown(services, namespace)); polls++) {
    if (polls === mostPolls) throw missing(namespace);
    await sleep(pollMs);
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
  const options = wanted.map(
    ({ name, type }) => `--name ${name} --type ${types[type as keyof typeof types]}`,
  );
  return new Failure(
    'search_attributes_missing',
    {
      namespace,
      command: `temporal operator search-attribute create --namespace ${namespace} ${options.join(' ')}`,
    },
    { cause },
  );
}
