import { hash } from 'node:crypto';
import { type FileHandle, unlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { auditEvent } from '../../audit/event.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { Failure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import type { Id } from '../../domain/records.ts';
import type { Installation } from '../../installation.ts';
import { complianceJson } from '../../report/compliance/as-json.ts';
import { remedy } from '../../report/compliance/commands.ts';
import { type ComplianceReport, gatherReport } from '../../report/compliance/gather.ts';
import { type Mapping, readMappings } from '../../report/compliance/mapping.ts';
import { compliancePage, type PageOptions } from '../../report/compliance/page.ts';
import type { Language } from '../../text/language.ts';
import { textsIn } from '../../text/texts.ts';
import { say } from '../../text/voice.ts';
import { languageIn } from '../incident-rows.ts';
import { newFile } from '../new-file.ts';
import { type Output, table } from '../output.ts';
import { type Session, unlock, withCatalog } from '../session.ts';
import { softwareVersion } from '../software-version.ts';

export interface ReportComplianceOptions {
  readonly from: Date;
  readonly to?: Date;
  readonly law: string;
  readonly lang?: Language;
  readonly output?: string;
  readonly includePaths?: boolean;
}

/** Writes the compliance report of a time, to the terminal or into a new file, and puts on record who did. */
export async function runReportCompliance(session: Session, options: ReportComplianceOptions): Promise<void> {
  const { from, to = new Date(), includePaths = false } = options;
  if (from > to) throw new Failure('usage', { detail: say('reports', 'period_reversed') });
  const installation = await unlock(session);
  const { config } = installation;
  const mapping = mappingOf(readMappings(config.compliance.mappings), options.law);
  const language = options.lang ?? languageIn(session);
  const inItsLanguage = textsIn(language);
  const { output, actor, signal } = session;
  const make = async (catalog: Catalog): Promise<void> => {
    const report = await gatherReport(catalog, {
      ...{ mapping, from, to, config, actor, softwareVersion: softwareVersion() },
      onProgress: (query) => {
        signal.throwIfAborted();
        output.progress(inItsLanguage('compliance', 'asking', { query }));
      },
    });
    const runId = newRunId();
    const page = compliancePage(report, { language, includePaths, runId });
    await recordReport(catalog, installation, { report, runId, page, language, includePaths });
    await file?.write(page);
    await handOut(output, report, { page, language, includePaths, runId, file: options.output });
  };
  const file = options.output === undefined ? undefined : await PageFile.make(options.output);
  try {
    await withCatalog(session, make);
  } finally {
    await file?.close();
  }
}

/** Failure `usage` names those that there are. */
function mappingOf(mappings: ReadonlyMap<string, Mapping>, law: string): Mapping {
  const mapping = mappings.get(law);
  if (mapping === undefined)
    throw new Failure('usage', {
      detail: say('reports', 'no_mapping', { law, known: [...mappings.keys()].join(', ') }),
    });
  return mapping;
}

interface MadePage extends PageOptions {
  readonly page: string;
}

/** Before anybody sees it: a report that nobody knows of was never made. */
async function recordReport(
  catalog: Catalog,
  { ids, config }: Installation,
  made: MadePage & { readonly report: ComplianceReport },
): Promise<void> {
  const { report, runId, page, language, includePaths } = made;
  const { mapping, from, to, actor } = report;
  const hostId: Id = config.host.id;
  await catalog.startRun({ id: runId, kind: 'report compliance', hostId, actor });
  const event = auditEvent(ids, {
    ...{ subject: runId, step: 'run', run: runId, host: hostId, actor },
    facts: {
      ...{ action: 'report-compliance', mapping: mapping.id, language, includePaths },
      ...{ from: from.toISOString(), to: to.toISOString(), sha256: hash('sha256', page, 'hex') },
    },
  });
  await catalog.write({ events: [event] });
  await catalog.endRun(runId, 'complete', {});
}

async function handOut(
  output: Output,
  report: ComplianceReport,
  made: MadePage & { readonly file: string | undefined },
): Promise<void> {
  const { page, file, language } = made;
  output.value({ ...complianceJson(report, made), file: file ?? null });
  if (output.json) return;
  if (file === undefined) {
    await output.content(Buffer.from(page));
    return;
  }
  const say = textsIn(language);
  output.line(
    table(
      report.controls.map(({ control, state }) => [
        control.article,
        control.title[language],
        say('compliance', `state_${state}`),
      ]),
    ),
  );
  for (const { control, numbers } of report.controls)
    for (const command of numbers.flatMap((number) => remedy(number) ?? []))
      output.line(`${control.title[language]} → ${say('compliance', 'required_todo', { command })}`);
  output.line(say('compliance', 'written', { file }));
}

/** The file a page is written into: made before anything is asked, and gone again where the page never came to be. */
class PageFile {
  private readonly name: string;
  private readonly file: FileHandle;
  private isWhole = false;

  private constructor(name: string, file: FileHandle) {
    this.name = name;
    this.file = file;
  }

  /** Failure `usage` for a name that is taken or cannot be made. */
  static async make(name: string): Promise<PageFile> {
    return new PageFile(name, await newFile(name));
  }

  async write(page: string): Promise<void> {
    await this.file.writeFile(page);
    await this.file.sync();
    this.isWhole = true;
  }

  async close(): Promise<void> {
    await this.file.close();
    if (!this.isWhole) await unlink(resolve(this.name));
  }
}
