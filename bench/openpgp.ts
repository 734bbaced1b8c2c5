import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { fileURLToPath } from 'node:url';
import { openMessage } from '../src/openpgp/open-message.ts';
import { openRecipients } from '../src/openpgp/recipients.ts';
import { sealMessage } from '../src/openpgp/seal-message.ts';
import { openMessageKeys } from '../src/openpgp/session-keys.ts';
import { halfCompressible } from './content.ts';

/** Ways to make an OpenPGP message. `ours`: openpgp.js for the session key's packets, our own data packet. */
const makers = ['gpg', 'openpgp.js', 'ours'] as const;
type Maker = (typeof makers)[number];

interface Case {
  readonly sizeBytes: number;
  /** Messages made one after the other. */
  readonly count: number;
}

const cases: readonly Case[] = [
  { sizeBytes: 1_000, count: 100 },
  { sizeBytes: 1_000_000, count: 30 },
  { sizeBytes: 100_000_000, count: 1 },
];
const levels = [0, 3] as const;

export interface OpenpgpMeasured extends Case {
  readonly maker: Maker;
  /** Of zlib; 0: not compressed. */
  readonly level: number;
  readonly work: 'seal' | 'open';
  readonly millisecondsEach: number;
  readonly megabytesPerSecond: number;
  readonly peakMemoryBytes: number;
}

/** Seals to a public key and opens again, each maker in a process of its own; half of the content is compressible. */
export async function openpgpComparison(): Promise<OpenpgpMeasured[]> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-openpgp-'));
  try {
    await makeKey(folder);
    const rows: OpenpgpMeasured[] = [];
    for (const { sizeBytes, count } of cases) {
      writeFileSync(join(folder, 'content'), Buffer.concat([...halfCompressible(sizeBytes)]));
      for (const level of levels) {
        for (const maker of makers) {
          for (const work of ['seal', 'open'] as const) {
            rows.push(await measured(folder, { sizeBytes, count, maker, level, work }));
          }
        }
      }
    }
    return rows;
  } finally {
    await run('gpgconf', ['--homedir', folder, '--kill', 'all']).catch(() => {});
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

export function openpgpText(rows: readonly OpenpgpMeasured[]): string {
  const line = (row: OpenpgpMeasured): string =>
    [
      row.maker.padEnd(10),
      row.work,
      `${row.sizeBytes} bytes`.padStart(15),
      `zlib ${row.level}`,
      `${row.millisecondsEach.toFixed(2)} ms`.padStart(12),
      `${row.megabytesPerSecond.toFixed(1)} MB/s`.padStart(11),
      `${(row.peakMemoryBytes / 2 ** 20).toFixed(0)} MiB`.padStart(8),
    ].join('  ');
  return rows.map(line).join('\n');
}

type Wanted = Omit<OpenpgpMeasured, 'millisecondsEach' | 'megabytesPerSecond' | 'peakMemoryBytes'>;

async function measured(folder: string, wanted: Wanted): Promise<OpenpgpMeasured> {
  const { maker, level, work, sizeBytes, count } = wanted;
  const sum = { ms: 0, peakMemoryBytes: 0 };
  if (maker === 'gpg') {
    for (let made = 0; made < count; made++) {
      const { ms, peakMemoryBytes } = await run('gpg', gpgArguments(folder, work, level));
      sum.ms += ms;
      sum.peakMemoryBytes = Math.max(sum.peakMemoryBytes, peakMemoryBytes);
    }
  } else {
    const told = join(folder, 'told');
    const program = [fileURLToPath(import.meta.url), maker, work, folder, String(level), String(count)];
    const { peakMemoryBytes } = await run(process.execPath, program);
    Object.assign(sum, { ms: Number(readFileSync(told, 'utf8')), peakMemoryBytes });
  }
  const millisecondsEach = sum.ms / count;
  return {
    ...wanted,
    millisecondsEach,
    megabytesPerSecond: sizeBytes / 1_000 / millisecondsEach,
    peakMemoryBytes: sum.peakMemoryBytes,
  };
}

function gpgArguments(folder: string, work: 'seal' | 'open', level: number): string[] {
  const common = ['--homedir', folder, '--batch', '--yes', '--quiet', '--trust-model', 'always'];
  return work === 'open'
    ? [...common, '--output', '/dev/null', '--decrypt', join(folder, 'message')]
    : [
        ...common,
        ...['--cipher-algo', 'AES256', '--compress-algo', level === 0 ? 'none' : 'zlib', '-z', String(level)],
        ...['--output', join(folder, 'message'), '--recipient', 'bench@example.org'],
        ...['--encrypt', join(folder, 'content')],
      ];
}

async function makeKey(folder: string): Promise<void> {
  const quiet = [
    '--homedir',
    folder,
    '--batch',
    '--quiet',
    '--passphrase',
    '',
    '--pinentry-mode',
    'loopback',
  ];
  await run('gpg', [...quiet, '--quick-gen-key', 'bench@example.org', 'future-default', 'default', 'never']);
  const exported = (name: string, what: string) =>
    run('gpg', [...quiet, '--armor', '--output', join(folder, name), what, 'bench@example.org']);
  await exported('public.asc', '--export');
  await exported('private.asc', '--export-secret-keys');
}

/** Runs a program to its end; its largest memory is looked at every few milliseconds. */
async function run(program: string, args: string[]): Promise<{ ms: number; peakMemoryBytes: number }> {
  const began = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let peakMemoryBytes = 0;
  const looking = setInterval(() => {
    try {
      const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      peakMemoryBytes = Math.max(peakMemoryBytes, Number(kibibytes ?? 0) * 1_024);
    } catch {
      // It has ended.
    }
  }, 5);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    if (code !== 0) throw new Error(`${program} ended with ${code}`);
    return { ms: performance.now() - began, peakMemoryBytes };
  } finally {
    clearInterval(looking);
  }
}

// ── the measured process ──────────────────────────────────────────────────────────────────────────────────────

type Work = (folder: string, level: number) => Promise<void>;

const programs: Record<Exclude<Maker, 'gpg'>, Record<'seal' | 'open', Work>> = {
  ours: {
    async seal(folder, level) {
      const recipients = await openRecipients({ recipients: [join(folder, 'public.asc')] }, randomBytes(64));
      const content = createReadStream(join(folder, 'content'), { highWaterMark: 2 ** 20 });
      const message = sealMessage(await recipients.newSessionKey(), level, content);
      await pipeline(Readable.from(message), createWriteStream(join(folder, 'message')));
    },
    async open(folder) {
      const finder = await openMessageKeys({ keyFile: join(folder, 'private.asc') });
      const sealed = createReadStream(join(folder, 'message'), { highWaterMark: 2 ** 20 });
      const { size } = await import('node:fs').then(({ statSync }) => statSync(join(folder, 'content')));
      for await (const _ of openMessage(sealed, finder, size).content);
    },
  },
  'openpgp.js': {
    async seal(folder, level) {
      const openpgp = await import('openpgp');
      const armoredKey = readFileSync(join(folder, 'public.asc'), 'utf8');
      const stored = openpgp.enums.compression;
      const message = await openpgp.createMessage({
        binary: Readable.toWeb(createReadStream(join(folder, 'content'))) as ReadableStream<Uint8Array>,
      });
      const sealed = await openpgp.encrypt({
        message,
        encryptionKeys: await openpgp.readKey({ armoredKey }),
        format: 'binary',
        config: { preferredCompressionAlgorithm: level === 0 ? stored.uncompressed : stored.zlib },
      });
      const file = createWriteStream(join(folder, 'message'));
      for await (const bytes of sealed) if (!file.write(bytes)) await once(file, 'drain');
      await finished(file.end());
    },
    async open(folder) {
      const openpgp = await import('openpgp');
      const armoredKey = readFileSync(join(folder, 'private.asc'), 'utf8');
      const message = await openpgp.readMessage({
        binaryMessage: Readable.toWeb(
          createReadStream(join(folder, 'message')),
        ) as ReadableStream<Uint8Array>,
      });
      const opened = await openpgp.decrypt({
        message,
        decryptionKeys: await openpgp.readPrivateKey({ armoredKey }),
        format: 'binary',
        config: { allowUnauthenticatedStream: true },
      });
      for await (const _ of opened.data);
    },
  },
};

const [, self, maker, work, folder = '', level, count] = process.argv;
if (self === fileURLToPath(import.meta.url) && (maker === 'ours' || maker === 'openpgp.js')) {
  const program = programs[maker][work === 'open' ? 'open' : 'seal'];
  await import('openpgp');
  const began = performance.now();
  for (let made = 0; made < Number(count); made++) await program(folder, Number(level));
  writeFileSync(join(folder, 'told'), String(performance.now() - began));
}
