import { TestInstallation } from '../test/support/installation.ts';
import type { CaseName, Row } from './aims.ts';
import { copyBinaries, copySourceTree, type Tree } from './data.ts';
import { arrivalsDuringSweep } from './event.ts';
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
 * Every tool on the same data and the same S3 server, in turns, each round in a fresh installation. Calls `tell` with
 * each row when what it measured has been verified and restored.
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
  const stack = await TestInstallation.create({
    sources: Object.fromEntries(sources.map((name) => [name, undefined])),
    folderName: 'holdfast-bench-compare-',
    configure: (config) => {
      config.policy = { ...config.policy, sources: { 'small-plain': plain, 'large-plain': plain } };
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
    yield await arrivalsDuringSweep(stack, round, size);
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
      if (what.endsWith('-scan')) await this.tools.coldScanner();
      const before = await this.stored(tool, name, what);
      const took = await this.take(tool, source, `${name}-${what.endsWith('-scan') ? 'scan' : 'plain'}`);
      if (tool === 'holdfast') await this.tools.proven(source);
      yield {
        ...{ case: what, tool, round: this.number, files: tree.files },
        ...took,
        filesPerSecond: tree.files / took.seconds,
        mbPerSecond: tree.bytes / 1e6 / took.seconds,
        bytesStored: (await this.stored(tool, name, what)) - before,
      };
    }
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

  private stored(tool: ToolName, name: string, what: CaseName): Promise<number> {
    const repository = `${name}-${what.endsWith('-scan') ? 'scan' : 'plain'}`;
    if (tool === 'holdfast') return storedBytes(this.stack);
    return storedBytes(this.stack, `${tool === 'rclone' ? 'rclone' : 'restic'}-${repository}`);
  }
}
