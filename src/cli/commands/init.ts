import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { type Config, type ConfigFile, parseConfig } from '../../config.ts';
import { Failure } from '../../domain/failures.ts';
import { installJoined, joinedConfig, requireJoinPassword } from '../../hosts/join.ts';
import { type JoinFile, readJoinFile } from '../../hosts/join-file.ts';
import { createKeyring } from '../../keys/create-keyring.ts';
import { kitText, type RecoveryKit, recoveryKit } from '../../keys/recovery-kit.ts';
import { policiesFolder } from '../../policy/installed.ts';
import { isOurs } from '../../stack/compose.ts';
import { ensureFolders } from '../../stack/folders.ts';
import { projectRoot } from '../../stack/project.ts';
import { signatureSetFor } from '../../stack/services/signatures.ts';
import { ensureTools, toolServices } from '../../stack/toolchain.ts';
import { detail, say, spoken } from '../../text/voice.ts';
import { agree, confirm } from '../confirm.ts';
import { requireNewKitFile, writeKit } from '../kit-file.ts';
import { localTime } from '../output.ts';
import { ownVoice } from '../own-voice.ts';
import { readFirstPassword, readPassword } from '../password.ts';
import type { Session } from '../session.ts';
import { type WriteOnlyHost, writeOnlyHost } from '../write-only-host.ts';

export interface InitOptions {
  /** `name=/path`, at least one. */
  readonly source: readonly string[];
  readonly yes?: boolean;
  readonly allowTestSignatures?: boolean;
  readonly lockDays: number;
  readonly lockMode: 'GOVERNANCE' | 'COMPLIANCE';
  readonly acceptCompliance?: boolean;
  /** File to write the recovery kit to instead of showing it. */
  readonly kit?: string;
  readonly writeOnly?: boolean;
  /** Key file of a write-only host. */
  readonly keys?: string;
  /** Files with OpenPGP public keys. */
  readonly recipient?: readonly string[];
  /** What `host add` wrote for this machine, which becomes a further host of that cluster. */
  readonly join?: string;
  /** File with keys of the configuration that take the place of what `init` would write. */
  readonly settings?: string;
  readonly quarantine: 'move' | 'copy' | 'report';
}

/** Days every object is locked for unless the configuration says otherwise: short, because a lock cannot be taken back. */
export const defaultLockDays = 7;

/** Sets up an installation: tools, configuration, policies, keyring. Makes no bucket and starts nothing. */
export async function runInit(session: Session, options: InitOptions): Promise<void> {
  const { paths } = session;
  if (existsSync(session.configPath)) throw new Failure('already_initialised', { file: session.configPath });
  const sources = options.source.map(parseSource);
  if (options.kit !== undefined) requireNewKitFile(options.kit);
  const host = await writeOnlyHost(options, paths.home);
  const joining = options.join === undefined ? undefined : readJoinFile(options.join);
  if (joining !== undefined) requireFitting(joining, host);
  const password = host || joining ? undefined : await readFirstPassword(session);
  if (joining !== undefined && host === undefined)
    await requireJoinPassword(joining, await readPassword(session, undefined));
  const config = joining
    ? joinedConfig(joining, paths.home, ownSettings(sources, options, host))
    : { ...newConfig(sources, options, host), ...ownVoice(session.env), ...readSettings(options.settings) };
  const text = render(config);
  const checked = parseConfig(text, session.configPath);
  await confirmInit(session, checked, options);

  ensureFolders(paths, session.uid);
  await ensureOwnTools(session, checked, options);
  const rules = join(projectRoot, 'policies');
  await cp(rules, policiesFolder(paths.home), {
    recursive: true,
    // Mappings of laws are read where they were installed: nobody is to correct a copy in vain.
    filter: (file) => !file.endsWith('_test.rego') && file !== join(rules, 'compliance'),
  });
  await rm(join(paths.home, 'keys'), { recursive: true, force: true });
  if (joining !== undefined) await installJoined(joining, paths.home);
  const kit = password && (await makeKeyring(checked, paths.home, password, options));
  if (host !== undefined) await host.install();
  await mkdir(join(paths.home, 'quarantine'), { recursive: true, mode: 0o700 });
  // Last: with the configuration there, the installation is complete.
  await writeFile(session.configPath, text, { mode: 0o600, flag: 'wx' });
  if (joining === undefined) report(session, checked, options, kit);
  else reportJoined(session, checked, joining);
}

/**
 * Makes ready what this machine is to run itself; what others run, and which signatures their scanner has, is their business.
 * Failure `no_official_signatures`, and the toolchain's.
 */
async function ensureOwnTools(
  { paths, uid, env, output }: Session,
  config: Config,
  { allowTestSignatures }: InitOptions,
): Promise<void> {
  const options = {
    uid,
    searchPath: env.PATH ?? '',
    onProgress: (line: string) => output.note(detail(line)),
  };
  const own = toolServices.filter((name) => isOurs(config, name));
  const { clamd } = await ensureTools(paths, options, own);
  if (!own.includes('clamd') || allowTestSignatures) return;
  if ((await signatureSetFor(paths, uid, clamd)) === 'builtin-test')
    throw new Failure('no_official_signatures');
}

/** What an installation is to begin with beside what is drawn for it: keys of the configuration. Failure `config_invalid`. */
function readSettings(file: string | undefined): Partial<ConfigFile> {
  if (file === undefined) return {};
  try {
    const settings: unknown = parse(readFileSync(file, 'utf8'));
    if (typeof settings !== 'object' || settings === null) throw new Error('no keys');
    const drawn = ['version', 'repository', 'host', 'sources'].find((key) => key in settings);
    if (drawn !== undefined) throw new Error(`${drawn} is not for --settings: init makes it`);
    return settings;
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'not YAML';
    throw new Failure('config_invalid', { file, detail });
  }
}

/** A write-only host is known by its own keys: both files must be of the same one. Failure `usage`. */
function requireFitting(joining: JoinFile, host: WriteOnlyHost | undefined): void {
  const isReader = joining.keyring.length > 0;
  const detail =
    host === undefined
      ? isReader
        ? undefined
        : say('setup', 'needs_keys')
      : isReader || host.hostId !== joining.host.id
        ? say('setup', 'other_host')
        : undefined;
  if (detail !== undefined) throw new Failure('usage', { detail });
}

function reportJoined({ output, configPath, paths }: Session, config: Config, { host }: JoinFile): void {
  const sources = config.sources.map(({ name, path, quarantine }) => ({ name, path, quarantine }));
  output.value({
    ...{ config: configPath, home: paths.home, repository: config.repository, sources },
    host: { id: host.id, name: host.name },
  });
  output.line(say('setup', 'joined', { host: host.name, home: paths.home }));
  for (const { name, path } of config.sources) output.line(`  ${say('setup', 'source', { name, path })}`);
  output.line(say('setup', 'own_names'));
  output.line(say('setup', 'delete_file'));
  output.line(say('setup', 'next_up'));
}

async function makeKeyring(
  config: Config,
  home: string,
  password: Buffer,
  options: InitOptions,
): Promise<RecoveryKit> {
  const { recoveryKey } = await createKeyring(home, config.repository, password);
  const kit = recoveryKit(config, home, recoveryKey);
  if (options.kit !== undefined) writeKit(options.kit, kit);
  return kit;
}

function parseSource(text: string): { name: string; path: string } {
  const [, name, path] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || path === undefined) {
    throw new Failure('usage', { detail: say('setup', 'source_takes', { given: text }) });
  }
  const folder = resolve(path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Failure('usage', { detail: say('setup', 'no_folder', { name, folder }) });
  }
  return { name, path: folder };
}

/** What is the host's own: its sources, and what makes it a write-only one. */
function ownSettings(
  sources: { name: string; path: string }[],
  { allowTestSignatures, quarantine }: InitOptions,
  host: WriteOnlyHost | undefined,
) {
  return {
    sources: sources.map((source) => ({ ...source, quarantine })),
    ...(allowTestSignatures === undefined ? {} : { policy: { allowTestSignatures } }),
    ...(host === undefined
      ? {}
      : {
          writeOnly: true,
          format: 'openpgp' as const,
          openpgp: { recipients: [...host.recipients] },
        }),
  };
}

function newConfig(
  sources: { name: string; path: string }[],
  options: InitOptions,
  host: WriteOnlyHost | undefined,
): ConfigFile {
  const repository = host?.repositoryId ?? randomBytes(16).toString('hex');
  return {
    version: 1,
    repository,
    host: { id: host?.hostId ?? randomBytes(16).toString('hex') },
    ...ownSettings(sources, options, host),
    destinations: [
      {
        name: 'primary',
        bucket: `holdfast-${repository.slice(0, 12)}`,
        jurisdiction: 'local',
        lock: { mode: options.lockMode, days: options.lockDays },
      },
    ],
    services: {
      temporal: { mode: 'embedded' },
      postgres: { mode: 'embedded' },
      opa: { mode: 'embedded' },
      clamd: { mode: 'embedded' },
      s3: { mode: 'embedded' },
    },
    policy: { allowTestSignatures: options.allowTestSignatures ?? false },
  };
}

function render(config: ConfigFile): string {
  return `# Holdfast. Every key is explained in holdfast.example.yaml.\n${stringify(config)}`;
}

async function confirmInit({ output }: Session, config: Config, options: InitOptions): Promise<void> {
  const { mode, days } = lockOf(config);
  if (mode === 'COMPLIANCE' && !options.acceptCompliance) {
    const typed = say('setup', 'locked_phrase', { days });
    const question = say('setup', 'compliance_question', { typed });
    if (!(await confirm(question, typed)))
      throw new Failure('not_confirmed', { flag: '--accept-compliance' });
  }
  if (options.yes || output.json || !process.stdin.isTTY) return;
  if (!(await agree(say('setup', 'confirm_init')))) {
    throw new Failure('not_confirmed', { flag: '--yes' });
  }
}

const lockOf = (config: Config): Config['destinations'][number]['lock'] => {
  const [first] = config.destinations;
  if (first === undefined) throw new TypeError('configuration without destination');
  return first.lock;
};

const quarantineLines = {
  move: [say('setup', 'moved_1'), say('setup', 'moved_2')],
  copy: [say('setup', 'copied')],
  report: [say('setup', 'reported')],
};

function report(
  { output, configPath, paths }: Session,
  config: Config,
  options: InitOptions,
  kit: RecoveryKit | undefined,
): void {
  const { mode, days } = lockOf(config);
  const deletableAt = new Date(Date.now() + days * 86_400_000);
  output.value({
    config: configPath,
    home: paths.home,
    repository: config.repository,
    sources: config.sources.map(({ name, path, quarantine }) => ({ name, path, quarantine })),
    lock: { mode, days },
    earliestDeletion: deletableAt.toISOString(),
    ...(kit === undefined ? { writeOnly: true } : {}),
    ...(kit === undefined
      ? {}
      : { recoveryKey: options.kit === undefined ? kit : { file: resolve(options.kit) } }),
  });
  output.line(say('setup', 'set_up', { home: paths.home, config: configPath }));
  for (const { name, path } of config.sources) output.line(`  ${say('setup', 'source', { name, path })}`);
  output.line(say('setup', 'locked', { mode, count: days }));
  output.line(say('setup', 'not_before', { at: localTime(deletableAt) }));
  for (const line of quarantineLines[options.quarantine]) output.line(line);
  if (options.allowTestSignatures) {
    output.line(say('setup', 'test_signatures'));
  }
  if (kit === undefined) {
    output.line(say('setup', 'write_only_1'));
    output.line(say('setup', 'write_only_2'));
    output.line(say('setup', 'write_only_3'));
    output.line(say('setup', 'next_edit'));
    return;
  }
  output.line(say('setup', 'keep_password'));
  if (options.kit !== undefined) {
    output.line(say('setup', 'kit_in', { file: resolve(options.kit) }));
  } else {
    output.line();
    output.line(kitText(kit, spoken()));
    output.line();
    output.line(say('setup', 'key_once'));
  }
  output.line(say('setup', 'next_up'));
}
