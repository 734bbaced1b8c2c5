/** One request as versitygw's access log tells it (the form of Amazon S3's server access logs). */
export interface S3Request {
  /** e.g. `s3_UploadPart`, with the gateway's prefix. */
  readonly operation: string;
  /** Path and query. */
  readonly uri: string;
  readonly status: number;
  /** Of UploadPart. */
  readonly partNumber: number | undefined;
}

/** The requests of an access log, in its order. */
export function accessRecords(log: string): S3Request[] {
  return log.split('\n').flatMap((line) => {
    const found = /^\S+ \S+ \[[^\]]*\] \S+ \S+ \S+ (s3_\S+) \S+ (\S+) (\d{3}) /.exec(line);
    if (found === null) return [];
    const [, operation = '', uri = '', status = ''] = found;
    const part = /[?&]partNumber=(\d+)/.exec(uri)?.[1];
    return [
      { operation, uri, status: Number(status), partNumber: part === undefined ? undefined : Number(part) },
    ];
  });
}
