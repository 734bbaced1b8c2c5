export { protectFile } from './protect-file.ts';
export { stagingHold } from './staging-hold.ts';
export { verifySample } from './verify-sample.ts';
