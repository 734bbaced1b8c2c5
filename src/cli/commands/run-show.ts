import type { Catalog } from '../../catalog/catalog.ts';
import { loggedRun, type RunFile, runFiles, runOutcomes, type ShownRun } from '../../catalog/run-query.ts';
import { Failure } from '../../domain/failures.ts';
import { type Outcome, outcomes } from '../../domain/records.ts';
import { filesQuery, holdsQuery, runQuery, troubled } from '../../temporal/web-ui.ts';
import { say } from '../../text/voice.ts';
import { namedId } from '../named-id.ts';
import { localTime, printable, table } from '../output.ts';
import { pathFields } from '../rows.ts';
import { totalsText } from '../run-totals.ts';
import { type Session, withCatalog } from '../session.ts';
import { type WebUiLinks, webUiLinks } from '../web-ui-links.ts';
import { reasonText, word } from '../words.ts';

/** One run: what it was, what became of its files, and the ways to them in the Web UI of Temporal. */
export async function runRunShow(
  session: Session,
  given: string,
  { limit }: { readonly limit: number },
): Promise<void> {
  const { output } = session;
  await withCatalog(session, async (catalog, where) => {
    const id = await namedId(catalog, 'run', given);
    const run = await loggedRun(catalog, id);
    if (run === undefined) throw new Failure('run_unknown', { run: given });
    const { counts, policyRevisions } = await settled(catalog, id);
    const files = await runFiles(catalog, id, troubled, limit);
    const links = webUiLinks(where);
    const webUi = links && runLinks(links, id);
    output.value({
      ...run,
      ...{ outcomes: counts, policyRevisions, webUi: webUi ?? null },
      files: files.map((file) => fileJson(file, links)),
    });
    output.line(runTable(run, counts, policyRevisions));
    if (webUi !== undefined) {
      output.line();
      output.line(
        table([
          [say('files', 'in_web_ui'), say('files', 'link_troubled', { link: webUi.troubled })],
          ['', say('files', 'link_waiting', { link: webUi.waiting })],
          ['', say('files', 'link_all', { link: webUi.all })],
        ]),
      );
    }
    if (files.length > 0) {
      output.line();
      output.line(table(files.map((file) => fileLine(file, links))));
    }
    const all = troubled.reduce((sum, outcome) => sum + (counts[outcome] ?? 0), 0);
    if (files.length < all)
      output.line(say('files', 'more_in_report', { count: all - files.length, run: id }));
  });
}

async function settled(catalog: Catalog, runId: string) {
  const found = await runOutcomes(catalog, runId);
  const counts: Partial<Record<Outcome, number>> = {};
  for (const name of outcomes)
    for (const { outcome, count } of found)
      if (outcome === name) counts[outcome] = (counts[outcome] ?? 0) + count;
  const policyRevisions = [...new Set(found.flatMap(({ policyRevision }) => policyRevision ?? []))].sort();
  return { counts, policyRevisions };
}

const runLinks = (links: WebUiLinks, id: string) => ({
  all: links.workflows(runQuery(id)),
  troubled: links.workflows(filesQuery(id)),
  waiting: links.workflows(holdsQuery(id)),
  ...Object.fromEntries(troubled.map((outcome) => [outcome, links.workflows(filesQuery(id, [outcome]))])),
});

function runTable(
  run: ShownRun,
  counts: Partial<Record<Outcome, number>>,
  policyRevisions: readonly string[],
): string {
  const byOutcome = Object.entries(counts).map(([outcome, count]) =>
    say('words', 'count_after', { word: word(outcome), count }),
  );
  return table([
    [say('files', 'run'), run.runId],
    [say('files', 'kind'), [word(run.kind), run.source].filter(Boolean).join(` ${say('files', 'of')} `)],
    [say('files', 'result'), run.result === null ? say('files', 'still_running') : word(run.result)],
    [
      say('files', 'started'),
      say('files', 'started_by', {
        at: localTime(run.startedAt),
        actor: run.actor,
        host: run.host ?? run.hostId,
      }),
    ],
    [say('files', 'ended'), run.endedAt === null ? say('files', 'not_yet') : localTime(run.endedAt)],
    [say('files', 'totals'), totalsText(run.totals) || say('files', 'no_totals')],
    [say('files', 'files'), byOutcome.join(', ') || say('files', 'none_settled')],
    [say('files', 'policy'), policyRevisions.join(', ') || say('files', 'not_asked')],
  ]);
}

function fileJson({ path, holdWorkflowIds, ...file }: RunFile, links: WebUiLinks | undefined): object {
  const { source, workflowId, ...rest } = file;
  return {
    ...{ source, ...pathFields(path), ...rest, workflowId, holdWorkflowIds },
    webUi: workflowId === null ? null : (links?.workflow(workflowId) ?? null),
  };
}

function fileLine({ source, path, ...file }: RunFile, links: WebUiLinks | undefined): string[] {
  const { outcome, reason, standing, workflowId, holdWorkflowIds } = file;
  const now =
    standing === outcome ? '' : say('files', 'standing_now', { outcome: word(standing ?? 'pending') });
  const looked = holdWorkflowIds[0] ?? workflowId;
  return [
    `${word(outcome)}${now}`,
    reasonText(reason),
    printable(`${source}:${path.toString('utf8')}`),
    looked === null ? '' : (links?.workflow(looked) ?? looked),
  ];
}
