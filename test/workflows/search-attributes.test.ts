import type { ServiceError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerSearchAttributes } from '../../src/temporal/register-search-attributes.ts';
import { startTemporalServer } from '../support/temporal.ts';

let env: TestWorkflowEnvironment;

beforeAll(async () => {
  env = await startTemporalServer();
});
afterAll(() => env?.teardown());

const namespace = 'default';
const known = async () =>
  (await env.connection.operatorService.listSearchAttributes({ namespace })).customAttributes;
const missing = expect.objectContaining({ code: 'search_attributes_missing', exitCode: 5 });

test('an account that may not register them is told what somebody else has to run', async () => {
  const refused = async (): Promise<never> => {
    throw Object.assign(new Error('PERMISSION_DENIED'), {
      ...{ code: 7, details: '', metadata: {} },
    } as unknown as ServiceError);
  };
  const services = {
    workflowService: env.connection.workflowService,
    operatorService: { listSearchAttributes: refused },
  } as unknown as Parameters<typeof registerSearchAttributes>[0];
  const failure = await registerSearchAttributes(services, namespace).catch((error: unknown) => error);
  expect(failure).toEqual(missing);
  expect((failure as { hint: string }).hint).toContain(
    'temporal operator search-attribute create --namespace default --name HoldfastSource --type Keyword',
  );
  expect((failure as { hint: string }).hint).toContain('--name HoldfastHoldUntil --type Datetime');
});

test('they are registered once, and found as they are', async () => {
  await registerSearchAttributes(env.connection, namespace);
  expect(Object.keys(await known()).filter((name) => name.startsWith('Holdfast'))).toHaveLength(8);
  await registerSearchAttributes(env.connection, namespace);
  const query = `HoldfastDestination = 'primary' and HoldfastHoldUntil < '2030-01-01T00:00:00Z'`;
  expect(await env.connection.workflowService.countWorkflowExecutions({ namespace, query })).toMatchObject(
    {},
  );
});

test('one that was added since is registered beside the others', async () => {
  const { operatorService } = env.connection;
  await operatorService.removeSearchAttributes({ namespace, searchAttributes: ['HoldfastReason'] });
  await registerSearchAttributes(env.connection, namespace);
  expect(Object.keys(await known())).toContain('HoldfastReason');
});

test('one of another type is nothing to work with', async () => {
  const { operatorService } = env.connection;
  await operatorService.removeSearchAttributes({ namespace, searchAttributes: ['HoldfastRun'] });
  // IndexedValueType INT.
  await operatorService.addSearchAttributes({ namespace, searchAttributes: { HoldfastRun: 3 } });
  await expect(registerSearchAttributes(env.connection, namespace)).rejects.toEqual(missing);
});
