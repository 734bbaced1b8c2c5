import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../src/stack/project.ts';

interface LockedPackage {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * `npm ci` refuses a lock file that lacks an optional package of another platform, and `npm install` against a registry
 * that lacks them writes one: nobody would notice before the next fresh clone.
 */
test('the lock file names every optional package, also those of other platforms', () => {
  const file = path.join(projectRoot, 'package-lock.json');
  const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockedPackage> };
  const missing = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) =>
      placesOf(place, name).every((candidate) => packages[candidate]?.version === undefined),
    ),
  );
  expect(missing).toEqual([]);
});

/** Where Node would look for package `name` from `place`, nearest first. */
function placesOf(place: string, name: string): string[] {
  const inside = `${place}${place ? '/' : ''}node_modules/${name}`;
  if (place === '') return [inside];
  const above = place.lastIndexOf('/node_modules/');
  return [inside, ...placesOf(above === -1 ? '' : place.slice(0, above), name)];
}
