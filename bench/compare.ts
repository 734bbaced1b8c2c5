import { runCommand } from '../src/stack/run.ts';
import type { TestInstallation } from '../test/support/installation.ts';
import type { CaseName, Row } from './aims.ts';
import { copyBinaries, copySourceTree, readThrough, type Tree, treeOf } from './data.ts';
import { arrivalsDuringSweep, prepareArrivals } from './event.ts';
import { doubtsAbout } from './proof.ts';
import { makeStack } from './stack.ts';
import { storedBytes } from './stored.ts';
import { type Took, type ToolName, Tools } from './tools.ts';

/** Sources without a scan have a key scope of their own: content of one scope never rests on another's. */
const plain = { scan: 'off', scope: 'plain' };
const sources = ['small', 'small-plain', 'large', 'large-plain', 'bulk', 'live'] as const;
type Source = (typeof sources)[number];

export interface ComparisonSize {
  readonly rounds: number;
  /** Of the source code. */
  readonly files: number;
  /** What is swept while single files come. */
  readonly bulkFiles: number;
  readonly arrivals: number;
}

/**
 * Every tool on the same data and the same S3 server, in turns, each round in a fresh installation. Before each run the
 * data is in the page cache and what was written before is on the disk. Calls `tell` with each row when what it measured
 * has been verified and restored.
 */
export async function compareTools(size: ComparisonSize, tell: (row: Row) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (let round = 1; round <= size.rounds; round++) {
    for await (const row of oneRound(size, round)) {
      rows.push(row);
      tell(row);
    }
  }
  return rows;
}

async function* oneRound(size: ComparisonSize, round: number): AsyncGenerator<Row> {
  const stack = await makeStack({
    sources: Object.fromEntries(sources.map((name) => [name, undefined])),
    folderName: 'holdfast-bench-compare-',
    configure: (config) => {
      config.policy = { ...config.policy, sources: { 'small-plain': plain, 'large-plain': plain } };
      // What is swept while single files come is for the sweep alone.
      for (const source of config.sources) if (source.name === 'bulk') source.watch = 'off';
    },
  });
  try {
    const small = await copySourceTree(stack.path('small'), size.files);
    await copySourceTree(stack.path('small-plain'), size.files);
    const large = await copyBinaries(stack.path('large'));
    await copyBinaries(stack.path('large-plain'));
    await stack.up('--no-watch');
    const { code, stderr } = await stack.run('key', 'add-scope', plain.scope);
    if (code !== 0) throw new Error(`key add-scope ended with ${code}: ${stderr}`);
    const run = new Round(stack, await Tools.of(stack), round);
    yield* run.inTurns('small', small, [
      ['small-scan', 'holdfast', 'small'],
      ['small-scan', 'clamdscan+restic', 'small'],
    ]);
    yield* run.inTurns('small', small, [
      ['small', 'holdfast', 'small-plain'],
      ['small', 'restic', 'small-plain'],
      ['small', 'rclone', 'small-plain'],
    ]);
    yield* run.inTurns('small', small, [
      ['unchanged', 'holdfast', 'small-plain'],
      ['unchanged', 'restic', 'small-plain'],
    ]);
    yield* run.inTurns('large', large, [
      ['large-scan', 'holdfast', 'large'],
      ['large-scan', 'clamdscan+restic', 'large'],
    ]);
    yield* run.inTurns('large', large, [
      ['large', 'holdfast', 'large-plain'],
      ['large', 'restic', 'large-plain'],
    ]);
    yield await run.arrivals(size);
  } finally {
    await stack.remove();
  }
}

/** The runs of one round; who begins changes from round to round. */
class Round {
  private readonly stack: TestInstallation;
  private readonly tools: Tools;
  private readonly number: number;

  constructor(stack: TestInstallation, tools: Tools, number: number) {
    this.stack = stack;
    this.tools = tools;
    this.number = number;
  }

  async *inTurns(
    name: string,
    tree: Tree,
    all: readonly (readonly [CaseName, ToolName, Source])[],
  ): AsyncGenerator<Row> {
    const first = this.number % all.length;
    for (const [what, tool, source] of [...all.slice(first), ...all.slice(0, first)]) {
      const folder = this.stack.path(source);
      const repository = `${name}-${what.endsWith('-scan') ? 'scan' : 'plain'}`;
      readThrough(folder);
      await runCommand('sync', []);
      if (what.endsWith('-scan')) await this.tools.coldScanner();
      const before = await this.stored(tool, repository);
      const took = await this.take(tool, source, repository);
      const stored = (await this.stored(tool, repository)) - before;
      yield await this.row(what, tool, tree, took, stored, tool === 'holdfast' ? [source] : []);
    }
  }

  /** Single files that come while another source is swept. */
  async arrivals(size: ComparisonSize): Promise<Row> {
    const before = await this.stored('holdfast');
    await prepareArrivals(this.stack, size.bulkFiles);
    let latencies: readonly number[] = [];
    const took = await this.tools.byOurs('sweep', async () => {
      const seen = await arrivalsDuringSweep(this.stack, () => this.tools.sweep('bulk'), size.arrivals);
      latencies = seen.latencies;
      return seen.ended;
    });
    const stored = (await this.stored('holdfast')) - before;
    const tree = treeOf(this.stack.path('live'));
    return { ...(await this.row('event', 'holdfast', tree, took, stored, ['live', 'bulk'])), latencies };
  }

  /** @param sources whose copies are held against them first */
  private async row(
    name: CaseName,
    tool: ToolName,
    { files, bytes }: Tree,
    took: Took,
    bytesStored: number,
    sources: readonly Source[],
  ): Promise<Row> {
    const doubts: string[] = [];
    for (const source of sources) doubts.push(...(await doubtsAbout(this.stack, source)));
    return {
      ...{ case: name, tool, round: this.number, files },
      ...took,
      filesPerSecond: files / took.seconds,
      mbPerSecond: bytes / 1e6 / took.seconds,
      cpuSeconds: Object.values(took.cpuByProcess).reduce((sum, seconds) => sum + seconds, 0),
      bytesStored,
      ...(doubts.length === 0 ? {} : { void: doubts.join('; ') }),
    };
  }

  private take(tool: ToolName, source: Source, repository: string): Promise<Took> {
    const folder = this.stack.path(source);
    switch (tool) {
      case 'holdfast':
        return this.tools.holdfast(source);
      case 'restic':
        return this.tools.restic(folder, repository);
      case 'rclone':
        return this.tools.rclone(folder, repository);
      case 'clamdscan+restic':
        return this.tools.clamdscanThenRestic(folder, repository);
    }
  }

  private stored(tool: ToolName, repository = ''): Promise<number> {
    if (tool === 'holdfast') return storedBytes(this.stack);
    return storedBytes(this.stack, `${tool === 'rclone' ? 'rclone' : 'restic'}-${repository}`);
  }
}
