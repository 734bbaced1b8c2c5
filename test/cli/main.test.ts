import { createHash, randomBytes } from 'node:crypto';
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { canonical } from '../../src/domain/canonical.ts';
import { createKeyring } from '../../src/keys/create-keyring.ts';
import { projectRoot } from '../../src/stack/project.ts';
import { runCommand } from '../../src/stack/run.ts';
import { argumentNames } from '../../src/text/en/arguments.ts';

const commands = [
  'init',
  'up',
  'down',
  'status',
  'protect',
  'files',
  'show',
  'runs',
  'run',
  'sweep',
  'schedule',
  'ls',
  'cat',
  'find',
  'diff',
  'restore',
  'recover',
  'catalog',
  'verify',
  'inspect',
  'audit',
  'prove',
  'report',
  'usage',
  'replicate',
  'rescan',
  'limits',
  'quarantine',
  'retention',
  'legal-hold',
  'hold',
  'approver',
  'incident',
  'notify',
  'host',
  'doctor',
  'key',
  'policy',
  'codec-server',
];
const password = 'correct horse battery staple';
let folder: string;
/** A state folder with a configuration and a keyring; nothing runs. */
let home: string;
let repository: string;
let recoveryKey: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
  home = join(folder, 'home');
  mkdirSync(join(folder, 'docs'));
  mkdirSync(home);
  repository = randomBytes(16).toString('hex');
  writeFileSync(join(home, 'holdfast.yaml'), config());
  writeFileSync(join(folder, 'pw'), `${password}\n`);
  ({ recoveryKey } = await createKeyring(home, repository, Buffer.from(password)));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(changes: Record<string, unknown> = {}): string {
  return stringify({
    version: 1,
    repository,
    host: { id: 'b'.repeat(32) },
    sources: [{ name: 'docs', path: join(folder, 'docs') }],
    destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { mode: 'GOVERNANCE', days: 7 } }],
    ...changes,
  });
}

/** Runs the command line as a script would: without a terminal. */
async function holdfast(args: readonly string[], env: Record<string, string> = {}) {
  return runCommand(process.execPath, [join(projectRoot, 'src/cli/main.ts'), ...args], {
    cwd: folder,
    // What Node compiled is kept between the runs: they take a third of the time.
    env: {
      PATH: process.env.PATH ?? '',
      HOLDFAST_HOME: home,
      NODE_COMPILE_CACHE: join(folder, 'compiled'),
      ...env,
    },
    timeoutMs: 25_000,
  });
}

describe('help', () => {
  test('names every command', async () => {
    const { code, stdout } = await holdfast(['--help']);
    expect(code).toBe(0);
    const named = [...stdout.matchAll(/^ {2}([a-z][a-z-]+) .*$/gm)].map((match) => match[1]);
    expect(named.filter((name) => name !== 'help')).toEqual(commands);
  });

  test.each(commands)(
    'of %s ends with 0, shows examples where there are arguments, and takes no password',
    async (name) => {
      const { code, stdout, stderr } = await holdfast([name, '--help']);
      expect(code).toBe(0);
      expect(stderr).toBe('');
      expect(stdout).toContain('--json');
      if (/^Usage: .*[<[](path|source|target)/m.test(stdout) || name === 'init') {
        expect(stdout).toContain(`Examples:\n  `);
        expect(stdout.slice(stdout.indexOf('Examples:'))).toContain(`holdfast ${name} `);
      }
      expect(stdout).not.toMatch(/--pass/);
    },
  );
});

describe('whoever works in French', () => {
  const french = { LANG: 'fr_CM.UTF-8' };

  test('gets help in French, with the same commands', async () => {
    const { stdout } = await holdfast(['--help'], french);
    expect(stdout).toMatch(/^Utilisation/);
    expect([...stdout.matchAll(/^ {2}([a-z][a-z-]+) .*$/gm)].map((match) => match[1])).toEqual([
      ...commands,
      'help',
    ]);
    expect(stdout).not.toMatch(/\b(Usage|Commands|default|display|the)\b/);
    expect(stdout).toContain('holdfast [options] [commande]');
    expect(stdout).toContain('restore [options] <source[:chemin]>');
  });

  test('has a French name for each value that a command takes', () => {
    const files = globSync('src/cli/{main.ts,define.ts,*-options.ts,message-keys.ts,definitions/*.ts}', {
      cwd: projectRoot,
    });
    const usages = files.flatMap((file) =>
      [
        ...readFileSync(join(projectRoot, file), 'utf8').matchAll(/'(?:--?|<|\[)?[a-z-][^'\n]*[<[][^'\n]*'/g),
      ].map(([text]) => text),
    );
    const names = usages.flatMap((usage) => usage.match(/(?<=[<[][^<>]*)[a-z]\w*(?=[^<>]*[>\]])/g) ?? []);
    expect(new Set(names).size).toBeGreaterThan(40);
    expect(names.filter((name) => !(name in argumentNames))).toEqual([]);
  });

  test('reads failures in French, and scripts in English', async () => {
    const missing = ['status', '--config', join(folder, 'nowhere.yaml')];
    const runs = [
      missing,
      [...missing, '--json'],
      ['files', '--outcome', 'lost', '--json'],
      ['verify', '--sampl'],
      ['show'],
      ['runs', '--limit', 'many'],
    ];
    const [told, json, detail, unknown, lacking, invalid] = (
      await Promise.all(runs.map((args) => holdfast(args, french)))
    ).map(({ stderr }) => stderr);
    expect(told).toContain('Il n’y a pas de configuration');
    expect(JSON.parse(json ?? '').error.message).toContain('There is no configuration');
    expect(JSON.parse(detail ?? '').error.message).toContain('There is no outcome');
    expect(unknown).toContain('option inconnue');
    expect(lacking).toContain('il manque l’argument «\u00a0source:chemin\u00a0»');
    expect(invalid).toContain('de «\u00a0--limit <nombre>\u00a0» n’est pas valable');
  });

  test('is told that no channel is configured, and what to do', async () => {
    const { code, stderr } = await holdfast(['notify', 'test'], {
      ...french,
      HOLDFAST_PASSWORD_FILE: join(folder, 'pw'),
    });
    expect(code).toBe(2);
    expect(stderr).toContain('Aucun canal n’est configuré');
    expect(stderr).toContain('notifications.channels');
  });

  test('gets English where the terminal has no UTF-8', async () => {
    expect((await holdfast(['--help'], { ...french, LC_ALL: 'C' })).stdout).toMatch(/^Usage/);
  });
});

describe('usage', () => {
  test.each([
    [['nonsense']],
    [['status', '--nonsense']],
    [['status', 'nonsense']],
    [['protect']],
    [['show']],
    [['init']],
    [['init', '--source', 'docs=/tmp', '--lock-days', '0']],
    [['init', '--source', 'docs=/tmp', '--lock-days', '1.5']],
    [['init', '--source', 'docs=/tmp', '--lock-mode', 'FOREVER']],
    [['up', '--password', 'secret']],
    [['protect', '--password=secret', 'a']],
    [[]],
  ])('%j ends with 2 and says how it is used', async (args) => {
    const { code, stdout, stderr } = await holdfast(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/Usage|--help/);
  });

  test.each([
    [['up', '--only', 'nonsense'], 'nonsense'],
    [['files', '--outcome', 'nonsense'], 'nonsense'],
    [['ls', 'docs', '--at', 'yesterday'], '2026-11-20'],
    [['diff', '1d', '2062-01-01'], 'future'],
    [['find', '*', '--larger', '5MB'], 'MiB'],
    [['find', '*', '--outcome', 'nonsense'], 'quarantined'],
    [['find', '[z-a]'], 'no range'],
    [['cat', 'docs'], '<source>:<path>'],
    [['cat', 'docs:a', '--at', '1d', '--version', 'b'], 'not both'],
    [['protect', '/somewhere/else'], 'none of the sources'],
  ])('%j ends with 2 and says why', async (args, why) => {
    const { code, stderr } = await holdfast(args, { HOLDFAST_PASSWORD_FILE: join(folder, 'pw') });
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
  });
});

describe('configuration', () => {
  test('missing: 1, and how to make one', async () => {
    const { code, stderr } = await holdfast(['status'], { HOLDFAST_HOME: join(folder, 'nowhere') });
    expect(code).toBe(1);
    expect(stderr).toContain('holdfast init');
  });

  test.each([
    [
      'sources.0.quarantin',
      { sources: [{ name: 'a', path: '/a', quarantin: 'move' }] },
      /sources\.0.*quarantin/,
    ],
    ['a relative path', { sources: [{ name: 'a', path: 'a' }] }, /sources\.0\.path.*absolute/],
    ['the same source twice', { sources: [1, 2].map(() => ({ name: 'a', path: '/a' })) }, /a is named twice/],
    ['no source', { sources: [] }, /sources/],
    [
      'a lock of no days',
      { destinations: [{ name: 'p', bucket: 'bucket', lock: { days: 0 } }] },
      /lock\.days/,
    ],
    ['another version', { version: 2 }, /version/],
    [
      'payloads over a network in the clear',
      { codecServer: { address: '10.20.0.1' } },
      /codecServer.*certFile/,
    ],
    ['a unit that is none', { pipeline: { retryDelay: '2 seconds' } }, /pipeline\.retryDelay/],
  ])('not valid (%s): 2, naming file and key', async (_name, changes, key) => {
    const file = join(folder, 'other.yaml');
    writeFileSync(file, config(changes));
    const { code, stderr } = await holdfast(['--config', file, 'status']);
    expect(code).toBe(2);
    expect(stderr).toContain(file);
    expect(stderr).toMatch(key);
  });

  test('that is no YAML: 2', async () => {
    const file = join(folder, 'broken.yaml');
    writeFileSync(file, 'sources: [');
    expect(await holdfast(['--config', file, 'status'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(file),
    });
  });
});

describe('nothing runs', () => {
  test.each([['status'], ['files'], ['runs']])('%s ends with 5 and says how to start it', async (name) => {
    const { code, stderr } = await holdfast([name]);
    expect(code).toBe(5);
    expect(stderr).toContain('holdfast up');
  });

  test('down is done at once', async () => {
    expect((await holdfast(['down'])).code).toBe(0);
  });

  test('--json tells the failure as JSON, and nothing else', async () => {
    const { code, stderr } = await holdfast(['files', '--json']);
    expect(code).toBe(5);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'service_not_running',
        message: 'The service postgres is not running.',
        hint: 'Start it with `holdfast up -d`.',
        exitCode: 5,
      },
    });
  });
});

describe('the password', () => {
  const commandsWithPassword = [['up'], ['protect', 'docs']];

  test.each(commandsWithPassword)('missing: %s ends with 6', async (...args) => {
    expect(await holdfast(args)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('HOLDFAST_PASSWORD_FILE'),
    });
  });

  test.each(commandsWithPassword)('wrong: %s ends with 6', async (...args) => {
    const file = join(folder, 'wrong');
    writeFileSync(file, 'incorrect horse');
    expect(await holdfast(args, { HOLDFAST_PASSWORD_FILE: file })).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('does not open this keyring'),
    });
    const noted = readdirSync(join(home, 'deeds')).map((name) =>
      readFileSync(join(home, 'deeds', name), 'utf8'),
    );
    expect(noted.map((text) => JSON.parse(text))).toContainEqual(
      expect.objectContaining({ step: 'access', facts: { what: 'wrong_password', command: args[0] } }),
    );
  });

  test.each([
    ['empty', ''],
    ['only a newline', '\n'],
  ])('file that is %s: 6', async (_name, content) => {
    const file = join(folder, 'empty');
    writeFileSync(file, content);
    expect((await holdfast(['up'], { HOLDFAST_PASSWORD_FILE: file })).code).toBe(6);
  });

  test('file that is not there: 6, naming it', async () => {
    const file = join(folder, 'no such file');
    expect(await holdfast(['up'], { HOLDFAST_PASSWORD_FILE: file })).toMatchObject({
      code: 6,
      stderr: expect.stringContaining(file),
    });
  });

  test('right, with the newline an editor leaves: gets as far as the services', async () => {
    const ended = await holdfast(['protect', 'docs'], { HOLDFAST_PASSWORD_FILE: join(folder, 'pw') });
    expect(ended).toMatchObject({ code: 5, stderr: expect.stringContaining('not running') });
  });

  test.each([
    [
      '--password-file before the environment',
      ['--password-file', 'pw'],
      { HOLDFAST_PASSWORD_FILE: 'wrong' },
    ],
    [
      'the file that the environment names before the password in it',
      [],
      { HOLDFAST_PASSWORD_FILE: 'pw', HOLDFAST_PASSWORD: 'x' },
    ],
    ['the password in the environment', [], { HOLDFAST_PASSWORD: password }],
    ['the recovery key, sloppily typed', ['--password-file', 'kit'], {}],
  ])('%s', async (_name, options, env) => {
    writeFileSync(join(folder, 'wrong'), 'incorrect horse');
    writeFileSync(join(folder, 'kit'), recoveryKey.toLowerCase().replaceAll('-', ' '));
    const ended = await holdfast([...options, 'protect', 'docs'], env);
    expect(ended).toMatchObject({ code: 5, stderr: expect.stringContaining('not running') });
  });

  test('--password-fd before all', async () => {
    const main = join(projectRoot, 'src/cli/main.ts');
    const args = ['--password-file', 'wrong', '--password-fd', '3', 'protect', 'docs'];
    const ended = await runCommand('sh', ['-c', 'exec "$@" 3<pw', 'sh', process.execPath, main, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOLDFAST_HOME: home },
      timeoutMs: 25_000,
    });
    expect(ended).toMatchObject({ code: 5, stderr: expect.stringContaining('not running') });
  });

  test.each(['short', 'aaaaaaaaaaaa'])(
    'too weak for a new repository (%s): 6, and nothing is made',
    async (weak) => {
      const file = join(folder, 'weak');
      writeFileSync(file, weak);
      const fresh = join(folder, 'fresh');
      const { code, stderr } = await holdfast(
        ['init', '--yes', '--source', `docs=${join(folder, 'docs')}`, '--allow-test-signatures'],
        { HOLDFAST_PASSWORD_FILE: file, HOLDFAST_HOME: fresh },
      );
      expect(code).toBe(6);
      expect(stderr).toContain('too easy');
      expect(() => readFileSync(join(fresh, 'holdfast.yaml'))).toThrow('ENOENT');
    },
  );
});

describe('the keyring', () => {
  async function withKeyring(change: (document: Record<string, unknown>) => void) {
    const other = join(folder, `keyring-${randomBytes(4).toString('hex')}`);
    mkdirSync(join(other, 'keys/root'), { recursive: true });
    writeFileSync(join(other, 'holdfast.yaml'), config());
    const document = JSON.parse(readFileSync(join(home, 'keys/root/00000001'), 'utf8')) as Record<
      string,
      unknown
    >;
    change(document);
    const { checksum: _, ...unchecked } = document;
    const checksum = createHash('sha256').update(canonical(unchecked)).digest('base64url');
    writeFileSync(join(other, 'keys/root/00000001'), canonical({ ...unchecked, checksum }));
    return holdfast(['up'], { HOLDFAST_HOME: other, HOLDFAST_PASSWORD_FILE: join(folder, 'pw') });
  }

  test('that asks for 2^32 iterations: 6, without deriving a key', async () => {
    const began = performance.now();
    const { code, stderr } = await withKeyring((document) => {
      document.iterations = 2 ** 32;
    });
    expect(code).toBe(6);
    expect(stderr).toContain('4294967296');
    // Deriving with 2^32 iterations takes the better part of an hour.
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  test('of another repository: 6', async () => {
    expect(
      await withKeyring((document) => {
        document.repository = 'c'.repeat(32);
      }),
    ).toMatchObject({ code: 6 });
  });

  test('that is not there: 6, naming the folder', async () => {
    const other = join(folder, 'without-keys');
    mkdirSync(other);
    writeFileSync(join(other, 'holdfast.yaml'), config());
    expect(
      await holdfast(['up'], { HOLDFAST_HOME: other, HOLDFAST_PASSWORD_FILE: join(folder, 'pw') }),
    ).toMatchObject({ code: 6, stderr: expect.stringContaining(join(other, 'keys')) });
  });
});

describe('init', () => {
  const init = (args: readonly string[], env: Record<string, string> = {}) =>
    holdfast(['init', ...args], { HOLDFAST_PASSWORD_FILE: join(folder, 'pw'), ...env });

  test('a second time: 1, and the first one stays', async () => {
    const before = readFileSync(join(home, 'holdfast.yaml'), 'utf8');
    const { code, stderr } = await init(['--yes', '--source', `docs=${join(folder, 'docs')}`]);
    expect(code).toBe(1);
    expect(stderr).toContain(join(home, 'holdfast.yaml'));
    expect(readFileSync(join(home, 'holdfast.yaml'), 'utf8')).toBe(before);
  });

  test.each(['docs', '=/tmp', 'docs=', 'docs=/no/such/folder', 'docs=/etc/passwd'])(
    'with the source %s: 2',
    async (source) => {
      const fresh = { HOLDFAST_HOME: join(folder, 'fresh') };
      expect((await init(['--yes', '--source', source], fresh)).code).toBe(2);
    },
  );

  test('with COMPLIANCE locks that nobody agreed to: 1, and nothing is made', async () => {
    const fresh = join(folder, 'compliance');
    const { code, stderr } = await init(
      ['--yes', '--source', `docs=${join(folder, 'docs')}`, '--lock-mode', 'COMPLIANCE'],
      { HOLDFAST_HOME: fresh },
    );
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('not confirmed') });
    expect(() => readFileSync(join(fresh, 'holdfast.yaml'))).toThrow('ENOENT');
  });
});
