import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Failure } from '../domain/failures.ts';
import type { S3StoreOptions } from '../storage/s3-client.ts';
import { say } from '../text/voice.ts';

/** A bucket as it is named on the command line, where no configuration names one. */
export interface BucketOptions {
  readonly endpoint?: string;
  readonly bucket: string;
  readonly prefix?: string;
  readonly region?: string;
  readonly pathStyle?: boolean;
  readonly ca?: string;
  readonly profile?: string;
}

/** Adds the options that name a bucket; `required` makes `--bucket` one that must be given. */
export function addBucketOptions(command: Command, required: boolean): Command {
  const bucket = ['--bucket <name>', say('output', 'the_bucket')] as const;
  (required ? command.requiredOption(...bucket) : command.option(...bucket))
    .option('--endpoint <url>', say('help', 'bucket_options_endpoint'))
    .option('--prefix <prefix>', say('help', 'bucket_options_prefix'))
    .option('--region <region>', say('help', 'bucket_options_region'))
    .option('--path-style', say('help', 'bucket_options_path_style'))
    .option('--ca <file>', say('help', 'bucket_options_ca'))
    .option('--profile <name>', say('help', 'bucket_options_profile'));
  return command;
}

/** What an S3 client needs to reach it; credentials come from the usual AWS chain. Failure `usage`. */
export function bucketStore(options: BucketOptions, env: NodeJS.ProcessEnv): S3StoreOptions {
  const { bucket, ca, profile } = options;
  const region = options.region || env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1';
  const endpoint = options.endpoint === undefined ? undefined : parseEndpoint(options.endpoint);
  return {
    name: endpoint?.host ?? `s3.${region}.amazonaws.com`,
    bucket,
    region,
    forcePathStyle: options.pathStyle ?? (endpoint !== undefined && needsPathStyle(endpoint)),
    jurisdiction: 'unknown',
    ...(endpoint === undefined ? {} : { endpoint: endpoint.href }),
    ...(ca === undefined ? {} : { caFile: resolve(ca) }),
    ...(profile === undefined ? {} : { profile }),
  };
}

/** Without slashes at its ends, as names are joined with it. */
export const plainPrefix = (prefix = ''): string => prefix.replace(/^\/+|\/+$/g, '');

function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== '/') {
    throw new Failure('usage', {
      detail: say('output', 'endpoint_takes'),
    });
  }
  return url;
}

/** Addresses under which a bucket can have no host name of its own. */
function needsPathStyle({ hostname, port }: URL): boolean {
  return port !== '' || hostname === 'localhost' || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
}
