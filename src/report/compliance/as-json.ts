import type { CountedRow } from '../queries/ask.ts';
import { lookAt, recount, remedy } from './commands.ts';
import type { ComplianceReport, Counted } from './gather.ts';
import type { PageOptions } from './page.ts';

/** The report for programs: the numbers of the page under the same names, times in UTC. */
export function complianceJson(report: ComplianceReport, options: PageOptions): object {
  const { language, runId } = options;
  const { mapping, from, to, madeAt, recordBeginsAt, config, softwareVersion, actor, controls, head } =
    report;
  return {
    law: mapping.law[language],
    mapping: mapping.id,
    textVerified: mapping.text_verified,
    organisation: config.breaches.organisation ?? null,
    ...{ from, to, madeAt, recordBeginsAt: recordBeginsAt ?? null, actor, runId, softwareVersion },
    repository: config.repository,
    host: config.host.id,
    sources: config.sources.map(({ name }) => name),
    destinations: config.destinations.map(({ name, jurisdiction, lock }) => ({ name, jurisdiction, lock })),
    controls: controls.map(({ control, state, numbers }) => ({
      ...{ id: control.id, article: control.article, title: control.title[language] },
      ...{ claim: control.claim[language], state },
      numbers: numbers.map(({ as, threshold, ...counted }) => ({
        ...{ query: counted.name, as, threshold, remedy: remedy({ as, threshold, ...counted }) },
        ...answerJson(counted, options),
        command: recount(counted.name, report),
      })),
    })),
    auditHead: head ?? null,
  };
}

/** A query's answer. */
export function answerJson(
  { name, value, byWhat, samples }: Counted,
  { includePaths }: Pick<PageOptions, 'includePaths'>,
): object {
  return {
    value,
    byWhat: Object.fromEntries(byWhat),
    rows: samples.map((row) => rowJson(row, lookAt(name, row), includePaths)),
  };
}

function rowJson(
  { id, at, what, by, source, path }: CountedRow,
  command: string | undefined,
  includePaths: boolean,
): object {
  return {
    ...{ id, at, what, by, source },
    ...(includePaths && path !== null ? { path: path.toString('utf8') } : {}),
    ...(command === undefined ? {} : { command }),
  };
}
