import { expect, test } from 'vitest';
import { bucketStore, plainPrefix } from '../../src/cli/bucket-options.ts';

const styleOf = (endpoint: string): boolean => bucketStore({ bucket: 'b', endpoint }, {}).forcePathStyle;

test('path style is taken as given where the bucket can have no host name of its own', () => {
  for (const endpoint of [
    'http://127.0.0.1',
    'http://[::1]',
    'https://localhost',
    'https://s3.example.org:9000',
  ])
    expect(styleOf(endpoint), endpoint).toBe(true);
  for (const endpoint of ['https://s3.example.org', 'https://s3.eu-west-3.amazonaws.com/'])
    expect(styleOf(endpoint), endpoint).toBe(false);
  expect(
    bucketStore({ bucket: 'b', endpoint: 'https://s3.example.org', pathStyle: true }, {}).forcePathStyle,
  ).toBe(true);
});

test('without endpoint it is Amazon, in the region of the option or of the environment', () => {
  expect(bucketStore({ bucket: 'b' }, {})).toEqual({
    name: 's3.us-east-1.amazonaws.com',
    bucket: 'b',
    region: 'us-east-1',
    forcePathStyle: false,
    jurisdiction: 'unknown',
  });
  expect(bucketStore({ bucket: 'b' }, { AWS_REGION: 'eu-west-3' }).region).toBe('eu-west-3');
  expect(bucketStore({ bucket: 'b', region: 'eu-west-1' }, { AWS_REGION: 'eu-west-3' }).region).toBe(
    'eu-west-1',
  );
});

test('what is no address of a server is refused', () => {
  for (const endpoint of ['s3.example.org', 'ftp://s3.example.org', 'https://s3.example.org/bucket', ''])
    expect(() => bucketStore({ bucket: 'b', endpoint }, {}), endpoint).toThrow('--endpoint takes a URL');
});

test('slashes around a prefix do not count', () => {
  expect(plainPrefix('/a/b/')).toBe('a/b');
  expect(plainPrefix(undefined)).toBe('');
});
