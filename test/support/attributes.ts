import type { TestContext } from 'vitest';
import { systemCalls } from '../../src/files/system-calls.ts';

/** Whether files in a folder can have extended attributes: not every file system has them. */
export function hasAttributes(folder: string): boolean {
  try {
    const [at, probe] = [Buffer.from(folder), Buffer.from('user.probe')];
    systemCalls()?.setAttribute(at, probe, Buffer.from('1'));
    systemCalls()?.removeAttribute(at, probe);
    return true;
  } catch {
    return false;
  }
}

/** Skips a test where they cannot be had. */
export function needsAttributes(context: TestContext, folder: string): void {
  if (!hasAttributes(folder)) context.skip();
}
