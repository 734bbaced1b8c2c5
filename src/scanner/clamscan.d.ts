/** The part of the npm package `clamscan` 2.4.0 that is used here; it ships no types of its own. */
declare module 'clamscan' {
  import type { Socket } from 'node:net';
  import type { Readable } from 'node:stream';

  interface Options {
    preference: 'clamdscan';
    clamscan: { active: false; path: false };
    clamdscan: {
      socket: string;
      /** Milliseconds without a byte. */
      timeout: number;
      localFallback: false;
      path: false;
      bypassTest: true;
    };
  }

  export default class NodeClam {
    init(options: Options): Promise<NodeClam>;
    getVersion(): Promise<string>;
    /** Resolves with the open connection. */
    ping(): Promise<Socket>;
    scanStream(stream: Readable): Promise<{ isInfected: boolean | null; viruses: string[] }>;
  }
}
