import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { makeFolder } from '../files/make-folder.ts';
import { failureConverterPath } from './failure-converter-path.ts';

/**
 * `node bundle.ts <file>`: bundles the workflows into a file, once. A process of its own, because the bundler takes more
 * memory than everything the worker does afterwards.
 */
const [, , outFile = ''] = process.argv;
if (!existsSync(outFile)) {
  const workflowsPath = fileURLToPath(
    new URL(`../../workflows/index${extname(import.meta.filename)}`, import.meta.url),
  );
  const logger = new DefaultLogger('ERROR');
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    failureConverterPath,
    logger,
    // File and line are all that a trace shows; with columns and sources it takes 15 MB of the worker.
    webpackConfigHook: (config) => ({ ...config, devtool: 'inline-nosources-cheap-module-source-map' }),
  });
  const partial = `${outFile}.${process.pid}.partial`;
  makeFolder(dirname(outFile), 0o755);
  writeFileSync(partial, code);
  renameSync(partial, outFile);
}
