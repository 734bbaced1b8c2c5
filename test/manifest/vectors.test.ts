import { describe, expect, it } from 'vitest';
import { type ManifestOptions, openManifest } from '../../src/manifest/decode.ts';
import { refusalOf } from '../sealed/samples.ts';
import { readVectors, refusals, type Vector } from '../sealed/vectors.ts';

const vectors = readVectors('manifest');
const opening = vectors.filter(({ expect }) => expect === 'success');
const refused = vectors.filter(({ expect }) => expect !== 'success');

function optionsFor(vector: Vector): ManifestOptions {
  const keys = new Map(
    vector
      .field('keys')
      .split(',')
      .map((pair) => pair.split('=') as [string, string]),
  );
  return {
    objectName: vector.field('object'),
    keyById: (id) => {
      const secret = keys.get(id.toString('hex'));
      return secret === undefined ? undefined : { id, secret: Buffer.from(secret, 'hex') };
    },
  };
}

it('there are vectors of both kinds', () => {
  expect(opening.length).toBeGreaterThan(4);
  expect(refused.length).toBeGreaterThan(60);
});

describe('manifests that open', () => {
  it.each(opening)('$name', async (vector) => {
    const opened = await openManifest(vector.body, optionsFor(vector));
    expect(opened.head).toEqual(JSON.parse(vector.field('head')));
    const sections = JSON.parse(vector.field('sections')) as { rows: unknown }[];
    expect(opened.sections).toEqual(sections.map((one) => ({ ...one, rows: one.rows ?? undefined })));
  });
});

describe('manifests that are refused', () => {
  it.each(refused)('$name', async (vector) => {
    const expected = refusals[vector.expect];
    expect(expected).toBeDefined();
    expect(await refusalOf(() => openManifest(vector.body, optionsFor(vector)))).toBe(expected);
  });
});
