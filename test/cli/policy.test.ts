import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { createKeyring } from '../../src/keys/create-keyring.ts';
import { projectRoot } from '../../src/stack/project.ts';
import { runCommand } from '../../src/stack/run.ts';
import { opaPath } from '../policy/opa.ts';

let folder: string;
let home: string;
let dataFile: string;
const repository = randomBytes(16).toString('hex');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-policy-cli-'));
  home = join(folder, 'home');
  dataFile = join(folder, 'town-hall.yaml');
  for (const name of ['docs/staff', 'home', 'bin']) mkdirSync(join(folder, name), { recursive: true });
  cpSync(join(projectRoot, 'policies'), join(home, 'policies'), {
    recursive: true,
    filter: (file) => !file.endsWith('_test.rego'),
  });
  writeFileSync(join(folder, 'docs/plan.txt'), 'the plan');
  writeFileSync(join(folder, 'docs/staff/pay.csv'), 'name,pay');
  writeFileSync(join(folder, 'pw'), 'correct horse battery staple\n');
  await createKeyring(home, repository, Buffer.from('correct horse battery staple'));
  configure({});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const external = { mode: 'external', endpoint: 'http://127.0.0.1:1', region: 'eu-west-3' };

function configure(policy: Record<string, unknown>): void {
  const lock = { mode: 'GOVERNANCE', days: 7 };
  const config = {
    version: 1,
    repository,
    host: { id: 'b'.repeat(32) },
    sources: [{ name: 'docs', path: join(folder, 'docs') }],
    destinations: [
      { name: 'local', bucket: 'some-bucket', jurisdiction: 'CM', lock },
      { name: 'abroad', bucket: 'other-bucket', jurisdiction: 'FR', lock },
    ],
    services: { s3: external },
    policy,
  };
  writeFileSync(join(home, 'holdfast.yaml'), stringify(config));
}

/** A town hall's: what concerns staff is confidential and stays in the country, the rest may go abroad with a paper. */
const townHall = {
  classify: { staff: { classification: 'confidential', patterns: ['staff/**'] } },
  destinations: {
    abroad: {
      classifications: ['public', 'internal'],
      transfer_authorisations: [
        { id: 'ARTCI-2026-7', valid_from: '2026-01-01T00:00:00Z', valid_until: '2126-01-01T00:00:00Z' },
      ],
    },
  },
  jurisdictions: { FR: { requires_authorisation: true } },
};

const policy = (...args: string[]) => policyIn({}, ...args);

async function policyIn(env: Readonly<Record<string, string>>, ...args: string[]) {
  const { code, stdout, stderr } = await runCommand(
    process.execPath,
    [join(projectRoot, 'src/cli/main.ts'), 'policy', ...args],
    {
      cwd: folder,
      env: {
        PATH: process.env.PATH ?? '',
        HOLDFAST_HOME: home,
        HOLDFAST_PASSWORD_FILE: join(folder, 'pw'),
        NODE_COMPILE_CACHE: join(folder, 'compiled'),
        ...env,
      },
      timeoutMs: 25_000,
    },
  );
  return { code, stdout, stderr, json: () => JSON.parse(stdout) };
}

describe('policy check', () => {
  test('finds nothing in what init sets up, and a misspelt key of the data by its path', async () => {
    configure({});
    const found = await policy('check', '--json');
    expect(found.json()).toMatchObject({ findings: [], revision: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(found.code).toBe(0);
    writeFileSync(dataFile, stringify({ classifications: { restricted: { aprovals: 2 } } }));
    configure({ data: dataFile });
    const misspelt = await policy('check');
    expect(misspelt.code).toBe(1);
    expect(misspelt.stdout).toContain('classifications.restricted.aprovals: there is no such key');
    // Two runs of a command that may each take 25 s.
  }, 60_000);
});

describe('policy test', () => {
  test('tells what would happen to a file, and why', async () => {
    writeFileSync(dataFile, stringify(townHall));
    configure({ data: dataFile });
    const { stdout, code } = await policy('test', join(folder, 'docs/staff/pay.csv'));
    expect(code).toBe(0);
    expect(stdout).toContain('docs:staff/pay.csv, 8 B, text/plain');
    expect(stdout).toMatch(/classification +confidential \(rule staff\)/);
    expect(stdout).toMatch(/retention +standard: GOVERNANCE for 7 days/);
    expect(stdout).toMatch(/to local +may go/);
    expect(stdout).not.toContain('to abroad');
  });

  test('in French too, with the codes that policy data has', async () => {
    const { stdout } = await policyIn({ LANG: 'fr_CM.UTF-8' }, 'test', join(folder, 'docs/staff/pay.csv'));
    expect(stdout).toMatch(/sans analyse +plus grand que [^\n]+ \[too_large\]\u00a0: permis\n/);
    expect(stdout).toMatch(/\[encrypted\]\u00a0: mis en attente\n/);
  });

  test('names the authorisation for a transfer, or the one that is missing', async () => {
    writeFileSync(dataFile, stringify(townHall));
    configure({ data: dataFile });
    const asked = async () => (await policy('test', join(folder, 'docs/plan.txt'), '--json')).json();
    const { releases, because } = await asked();
    expect(because).toEqual({ by: { rule: 'default', classification: 'internal' }, matching: {} });
    expect(releases).toMatchObject([
      { destination: 'local', result: { allow: true } },
      { destination: 'abroad', result: { allow: true, transferAuthorisation: 'ARTCI-2026-7' } },
    ]);
    writeFileSync(dataFile, stringify({ jurisdictions: townHall.jurisdictions }));
    const [, abroad] = (await asked()).releases;
    expect(abroad.result).toMatchObject({ allow: false, reasons: [{ id: 'transfer_unauthorised' }] });
  });

  test('answers for what is not there yet, by the size and type given', async () => {
    writeFileSync(dataFile, stringify({ limits: { deny_media_types: ['video/*'] } }));
    configure({ data: dataFile });
    const missing = join(folder, 'docs/film.mp4');
    const { stdout } = await policy('test', missing, '--size', '5000000', '--media-type', 'video/mp4');
    expect(stdout).toContain('docs:film.mp4, 4.8 MiB, video/mp4');
    expect(stdout).toContain(
      'NOT backed up:\n  content of this media type is not backed up [media_type_denied]',
    );
  });

  test('of what lies in no source, or is one, ends with 2', async () => {
    expect((await policy('test', '/etc/passwd')).code).toBe(2);
    expect((await policy('test', join(folder, 'docs'))).code).toBe(2);
  });
});

describe('policy bundle', () => {
  test('writes what an OPA of its own loads, with the region and the data of the configuration', async () => {
    writeFileSync(dataFile, stringify(townHall));
    configure({ data: dataFile });
    const file = join(folder, 'policy.tar.gz');
    const { revision } = (await policy('bundle', '--output', file, '--json')).json();
    const query =
      '[data.holdfast.config.destinations.local.region, data.holdfast.defaults.classify.staff.classification]';
    const answer = execFileSync(opaPath(), ['eval', '--format', 'json', '--bundle', file, query], {
      encoding: 'utf8',
    });
    expect(JSON.parse(answer).result[0].expressions[0].value).toEqual(['eu-west-3', 'confidential']);
    expect((await policy('check', '--json')).json().revision).toBe(revision);
  });
});
