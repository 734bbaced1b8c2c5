import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import { failureConverterPath } from '../../src/temporal/failure-converter-path.ts';
import { type History, historyFromText } from './history-file.ts';

const folder = join(import.meta.dirname, 'histories');
const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
let workflowBundle: WorkflowBundleWithSourceMap;

const text = (name: string): string => readFileSync(join(folder, `${name}.json`), 'utf8');

beforeAll(async () => {
  workflowBundle = await bundleWorkflowCode({
    workflowsPath: join(import.meta.dirname, '../../workflows/index.ts'),
    failureConverterPath,
    logger: new DefaultLogger('ERROR'),
  });
});

const replay = (history: History): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle, replayName: 'replay' }, history);

test('histories of every way through are recorded', () => {
  expect(names.toSorted()).toEqual([
    'batch',
    'batch-done',
    'continued',
    'digest',
    'failed',
    'fill-destination',
    'held',
    'hold-approved',
    'hold-damaged',
    'hold-expired',
    'hold-rejected',
    'hold-two-approvals',
    'incident',
    'large',
    'postponed',
    'rescan',
    'rescan-scheduled',
    'retain-continued',
    'retain-source',
    'send-notification',
    'signalled',
    'small',
    'sweep',
    'sweep-scheduled',
    'verify-audit',
    'verify-sample',
  ]);
});

test.each(names)('a workflow that went as "%s" would decide the same today', async (name) => {
  await replay(historyFromText(text(name)));
});

test('a workflow that decides otherwise would be noticed', async () => {
  const other = text('large').replaceAll('"name": "upload"', '"name": "sealAndUpload"');
  expect(other).not.toBe(text('large'));
  await expect(replay(historyFromText(other))).rejects.toThrow(/nondeterminism/i);
});

test.each(names)('the history "%s" names no machine', (name) => {
  expect(text(name)).not.toMatch(/\/(home|work|root|tmp)\/|\d@/);
});
