import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';

/** How fast request bodies may leave. */
export interface UploadPace {
  /** Bytes a second; undefined: as fast as they go. */
  rate(): number | undefined;
  paced(body: Buffer): AsyncGenerator<Buffer>;
}

/** Has every body this client sends go at the pace. */
export function paceBodies(client: S3Client, pace: UploadPace): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as { body?: unknown };
      const { body } = request;
      if (!Buffer.isBuffer(body) || pace.rate() === undefined) return next(args);
      const stream = Readable.from(pace.paced(body), { objectMode: false });
      request.body = stream;
      try {
        return await next(args);
      } finally {
        // The server may have answered before it had all.
        stream.destroy();
        request.body = body;
      }
    },
    // Low: nearest to the wire. Signature and length are those of the whole body, and a retry begins with it again.
    { name: 'paceBodies', step: 'deserialize', priority: 'low' },
  );
}
