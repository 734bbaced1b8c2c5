import { DefaultFailureConverter } from '@temporalio/common';

/** Moves failure messages and stacks into the encrypted part: an ENOENT message carries a path. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
