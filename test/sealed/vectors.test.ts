import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type OpenOptions, openBytes, openSealed } from '../../src/sealed/open.ts';
import { sealWhole } from '../../src/sealed/seal.ts';
import { refusalOf, sealStreamed, sourceOf } from './samples.ts';
import { contentOf, keyOf, planOf, readVectors, refusals, type Vector } from './vectors.ts';

const sealed = readVectors('sealed');
const opening = sealed.filter((vector) => vector.expect === 'success');
const refused = sealed.filter((vector) => vector.expect !== 'success');

function optionsFor(vector: Vector): OpenOptions {
  const key = keyOf(vector);
  return { keys: (id) => (id.equals(key.id) ? key : undefined), purpose: 'content' };
}

it('there are enough vectors of both kinds', () => {
  expect(opening.length).toBeGreaterThan(10);
  expect(refused.length).toBeGreaterThan(60);
});

describe('vectors that open', () => {
  it.each(opening)('$name', async (vector) => {
    const plan = planOf(vector);
    const content = contentOf(vector);
    const opened = await openSealed(sourceOf(vector.body), optionsFor(vector));
    expect(opened.path).toEqual(plan.path);
    expect(opened.metadata).toEqual(plan.metadata);
    expect(opened.iv).toEqual(plan.iv);
    expect(opened.keyId).toEqual(plan.key.id);
    expect(opened.compression).toBe(plan.compression.algorithm);
    const segments: Buffer[] = [];
    for await (const segment of opened.segments()) segments.push(segment);
    expect(Buffer.concat(segments).equals(content)).toBe(true);
    const whole = openBytes(vector.body, optionsFor(vector));
    expect(whole.metadata).toEqual(plan.metadata);
    expect(whole.content().equals(content)).toBe(true);
  });
});

describe('vectors that are refused', () => {
  it.each(refused)('$name', async (vector) => {
    const expected = refusals[vector.expect];
    expect(expected).toBeDefined();
    const at = vector.field('refused-at');
    const givenOut: Buffer[] = [];
    let opened = false;
    const streamed = async () => {
      const file = await openSealed(sourceOf(vector.body), optionsFor(vector));
      opened = true;
      for await (const segment of file.segments()) givenOut.push(segment);
    };
    expect(await refusalOf(streamed)).toBe(expected);
    expect(opened).toBe(at !== 'open');
    expect(givenOut).toEqual([]);
    const inMemory = () => openBytes(vector.body, optionsFor(vector));
    if (at === 'open') expect(await refusalOf(inMemory)).toBe(expected);
    else expect(await refusalOf(() => inMemory().content())).toBe(expected);
  });
});

describe('the sealer makes the bytes of the uncompressed vectors', () => {
  it.each(opening.filter((vector) => vector.field('compression') === 'none'))('$name', async (vector) => {
    expect(sealWhole(planOf(vector), contentOf(vector)).equals(vector.body)).toBe(true);
  });

  it.each(readVectors('digest'))('$name', async (vector) => {
    const content = contentOf(vector);
    const plan = planOf(vector);
    expect(hash('sha256', await sealStreamed(plan, content), 'hex')).toBe(vector.field('sha256'));
    expect(hash('sha256', sealWhole(plan, content), 'hex')).toBe(vector.field('sha256'));
  });
});
