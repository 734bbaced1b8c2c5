import type { Change } from '../catalog/rows.ts';
import type { Id, Verdict } from '../domain/records.ts';
import { admissionChanges, askAdmission } from '../pipeline/admit.ts';
import { cleanBefore } from '../pipeline/clean-before.ts';
import type { StepRun } from '../pipeline/context.ts';
import type { AdmittedVersion, JudgedVersion, ScannedVersion } from '../pipeline/policy-input.ts';
import { accepted, clean, notRequired, scanChange } from '../pipeline/scan.ts';
import { settling } from '../pipeline/settle.ts';
import type { BatchItem } from './batch-table.ts';
import { type BatchContext, type BatchFile, itemDone, together } from './file.ts';

export interface Judgement<Version extends JudgedVersion> {
  readonly passed: readonly BatchFile<Version>[];
  readonly done: readonly Change[];
  readonly exceptions: readonly BatchItem[];
}

const isAdmitted = (file: BatchFile): file is BatchFile<AdmittedVersion> =>
  file.version.admission !== undefined;
const isScanned = (file: BatchFile<AdmittedVersion>): file is BatchFile<ScannedVersion> =>
  file.version.verdict !== undefined;

/** Step 3: one question for all of them. Denied: `ignored`, with the rule's id. */
export async function admitAll(
  batch: BatchContext,
  files: readonly BatchFile[],
): Promise<Judgement<AdmittedVersion>> {
  const { context } = batch;
  const passed: BatchFile<AdmittedVersion>[] = files.filter(isAdmitted);
  const done: Change[] = [];
  const exceptions: BatchItem[] = [];
  const asked = files.filter((file) => !isAdmitted(file));
  const answers = await askAdmission(
    context,
    asked.map(({ version }) => version),
  );
  for (const [index, admitted] of (await admissionChanges(context, answers)).entries()) {
    const { item, content, change: found } = asked[index] as BatchFile;
    const { allow, fits, reason, version, change: admission } = admitted;
    const change = together(found, admission);
    if (!allow) done.push({ ...change, ...settling(version, 'ignored', reason), ...itemDone(batch, item) });
    else if (!fits || version.admission.format !== 'sealed-v1') exceptions.push(item);
    else passed.push({ item, version, content, change });
  }
  return { passed, done, exceptions };
}

/**
 * Step 4: what was found clean before by the same signatures is not scanned again, and equal contents are scanned once.
 * Whatever is not clean goes its own way, and is looked at there from the beginning.
 */
export async function scanAll(
  batch: BatchContext,
  files: readonly BatchFile<AdmittedVersion>[],
  run: StepRun,
): Promise<Judgement<ScannedVersion>> {
  const { context } = batch;
  const { scanner, semaphores } = context;
  const passed: BatchFile<ScannedVersion>[] = files.filter(isScanned);
  const exceptions: BatchItem[] = [];
  const record = (file: BatchFile<AdmittedVersion>, found: Verdict, earlier?: Id): Id | undefined => {
    const { item, version, content } = file;
    const verdict = accepted(found, version);
    if (!mayGoOn(verdict)) {
      exceptions.push(item);
      return undefined;
    }
    const change = scanChange(context, version, verdict, earlier);
    passed.push({ item, version: { ...version, verdict }, content, change: together(file.change, change) });
    return change.scan.id;
  };

  const unscanned = files.filter((file) => !isScanned(file));
  for (const file of unscanned.filter(({ version }) => !version.admission.scan.required))
    record(file, notRequired);
  const wanted = unscanned.filter(({ version }) => version.admission.scan.required);
  if (wanted.length === 0) return { passed, done: [], exceptions };

  const groups = Map.groupBy(wanted, ({ version }) => version.content.sha512.toString('hex'));
  const before = await cleanBefore(
    context,
    [...groups.keys()].map((sha512) => Buffer.from(sha512, 'hex')),
  );
  const first = [...groups].flatMap(([sha512, [file]]) => (before.scans.has(sha512) || !file ? [] : [file]));
  const verdicts = await semaphores.scanner.run(
    () =>
      scanner.scanMany(
        first.map(({ content }) => content),
        run.signal,
      ),
    run.patienceMs,
  );
  const found = new Map(first.map((file, index) => [file, verdicts[index]]));
  for (const [sha512, group] of groups) {
    let earlier = before.scans.get(sha512);
    for (const file of group) {
      const verdict = found.get(file);
      if (earlier !== undefined) record(file, clean(before.scanner), earlier);
      else if (verdict !== undefined) earlier = record(file, verdict);
      // The first of its content was not found clean.
      else exceptions.push(file.item);
    }
  }
  return { passed, done: [], exceptions };
}

function mayGoOn({ state, reason }: Verdict): boolean {
  return state === 'clean' || reason === 'not_required';
}
