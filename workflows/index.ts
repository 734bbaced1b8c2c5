export { protectFile } from './protect-file.ts';
export { stagingHold } from './staging-hold.ts';
