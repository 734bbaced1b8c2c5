export { protectFile } from './protect-file.ts';
export { rescanContents, rescanOnSchedule } from './rescan.ts';
export { stagingHold } from './staging-hold.ts';
export { sweepOnSchedule, sweepSource } from './sweep-source.ts';
export { verifySample } from './verify-sample.ts';
