import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startVersitygw, type Versitygw } from '../storage/versitygw.ts';
import { TestInstallation } from './installation.ts';
import { makeNastyTree, removeTree } from './nasty.ts';
import { differences, type TreeFacts, treeFacts } from './tree-facts.ts';

/**
 * Tests that everything that is hard to bring back is brought back: with the catalog, then with the bucket and the
 * password alone. `sparseBytes`: see {@link makeNastyTree}.
 */
export function testNastyJourney(sparseBytes: number): void {
  let outer: string;
  let wanted: TreeFacts;
  let installation: TestInstallation;
  let server: Versitygw | undefined;

  beforeAll(async () => {
    outer = mkdtempSync(path.join(tmpdir(), 'holdfast nasty '));
    const source = path.join(outer, 'source');
    mkdirSync(source);
    const { special } = makeNastyTree(source, sparseBytes);
    const facts = treeFacts(source);
    wanted = { ...facts, entries: new Map([...facts.entries].filter(([name]) => !special.includes(name))) };
    installation = await TestInstallation.start({ sources: { nasty: source } }, '--no-watch');
    const { code, stderr, byPath } = await installation.protect(source);
    expect(code, stderr).toBe(0);
    expect([...byPath.values()].filter(({ outcome }) => outcome === 'ignored')).toHaveLength(special.length);
  });

  afterAll(async () => {
    await server?.stop();
    await installation?.remove();
    removeTree(outer);
  });

  test('restored, everything is as it was', async () => {
    const target = path.join(outer, 'restored');
    const { code, stderr } = await installation.run('restore', 'nasty', '--to', target, '--owner');
    expect(code, stderr).toBe(0);
    expect(differences(wanted, treeFacts(path.join(target, 'nasty')))).toEqual([]);
  });

  test('recovered from nothing but the bucket and the password, everything is as it was', async () => {
    const { bucket } = installation.config().destinations[0] ?? expect.unreachable();
    await installation.down();
    const kept = path.join(outer, 's3');
    // With the attributes in which the server keeps its objects' metadata.
    execFileSync('cp', ['-a', path.join(realpathSync(path.join(installation.home, 'data')), 's3'), kept]);
    await installation.remove();
    server = await startVersitygw(undefined, kept);

    const bare = path.join(outer, 'a bare machine');
    mkdirSync(bare);
    const password = path.join(outer, 'password');
    writeFileSync(password, 'five plain random words\n', { mode: 0o600 });
    const target = path.join(outer, 'recovered');
    const { code, stdout, stderr } = await installation.runWith(
      {
        HOME: bare,
        HOLDFAST_HOME: path.join(bare, 'holdfast'),
        HOLDFAST_PASSWORD_FILE: password,
        AWS_SHARED_CREDENTIALS_FILE: server.credentialsFile,
      },
      ...['recover', '--endpoint', server.endpoint, '--bucket', bucket, '--to', target, '--owner'],
    );
    expect(code, stdout + stderr).toBe(0);
    expect(differences(wanted, treeFacts(path.join(target, 'nasty')))).toEqual([]);
  });
}
