export { protectBatch } from './protect-batch.ts';
export { protectFile } from './protect-file.ts';
export { fillDestination } from './replicate.ts';
export { rescanContents, rescanOnSchedule } from './rescan.ts';
export { retainSource } from './retain-source.ts';
export { stagingHold } from './staging-hold.ts';
export { sweepOnSchedule, sweepSource } from './sweep-source.ts';
export { verifyAudit } from './verify-audit.ts';
export { verifySample } from './verify-sample.ts';
