import { type BundleSignature, verificationArguments } from './signature.ts';

/** How OPA is run as a server on a unix socket, with one bundle: the service, and each of our own beside it. */
export function opaArguments(o: {
  readonly socketPath: string;
  readonly bundle: string;
  /** Set: it loads only bundles that are signed so. */
  readonly signature?: BundleSignature | undefined;
}): string[] {
  return [
    'run',
    '--server',
    '--addr',
    `unix://${o.socketPath}`,
    '--unix-socket-perm=600',
    '--bundle',
    o.bundle,
    ...verificationArguments(o.signature),
    // Data as the rules read it, not converted anew for each question: a third of what one about a single file costs.
    '--optimize-store-for-read-speed',
    '--log-level=error',
    '--skip-version-check',
  ];
}

/**
 * Of OPA's process: it collects garbage when its heap has become five times what is in use (a fifth of its CPU otherwise), unless
 * it would pass the limit.
 */
export const opaEnvironment = { GOGC: '400', GOMEMLIMIT: '200MiB' };
