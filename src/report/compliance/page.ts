import type { Language } from '../../text/language.ts';
import { type Texts, textsIn } from '../../text/texts.ts';
import { spanIn, timeIn } from '../../text/time.ts';
import { type Html, html } from '../html.ts';
import { type ExceptionName, isException, namedQueries, type QueryName } from '../queries/all.ts';
import type { CountedRow } from '../queries/ask.ts';
import { lookAt, recount, remedy } from './commands.ts';
import type { ComplianceReport, Counted, ReportedControl, ReportedHead } from './gather.ts';
import { style } from './style.ts';

export interface PageOptions {
  readonly language: Language;
  /** Whether samples name files. */
  readonly includePaths: boolean;
  /** Under which the making of the page is on record. */
  readonly runId: string;
}

/** What all parts of a page are written with. */
interface Pen extends PageOptions {
  readonly report: ComplianceReport;
  readonly say: Texts;
  readonly time: (at: Date) => string;
}

/** Kinds by which one number is broken down. */
const mostKinds = 10;

/** The report as one page of HTML, without script and without anything from elsewhere, to be printed on A4. */
export function compliancePage(report: ComplianceReport, options: PageOptions): string {
  const { timezone } = report.config;
  const say = textsIn(options.language);
  const pen: Pen = { ...options, report, say, time: (at) => timeIn(timezone, at) };
  const { language } = options;
  const page = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${say('compliance', 'title')}: ${report.mapping.law[language]}</title>
<style>${style}</style>
</head>
<body>
${firstPage(pen)}
${articles(pen)}
${record(pen)}
${lastPage(pen)}
</body>
</html>
`;
  return page.text;
}

type FactLabel =
  | 'organisation'
  | 'law'
  | 'mapping'
  | 'period'
  | 'made'
  | 'installation'
  | 'host'
  | 'software'
  | 'notify_within'
  | 'sources';

function firstPage(pen: Pen): Html {
  const { report, say, time, language } = pen;
  const { mapping, config, from, to, madeAt, recordBeginsAt, actor, softwareVersion } = report;
  const { organisation, notifyWithin } = config.breaches;
  const fact = (label: FactLabel, value: Html | string): Html =>
    html`<tr><th>${say('compliance', label)}</th><td>${value}</td></tr>`;
  return html`<header>
<h1>${say('compliance', 'title')}</h1>
${
  mapping.text_verified
    ? html`<p>${say('compliance', 'verified', { name: mapping.verified_by ?? '', date: mapping.verified_on ?? '' })}</p>`
    : html`<p class="warning">${say('compliance', 'unverified')}</p>`
}
<table class="facts"><tbody>
${fact('organisation', organisation ?? say('compliance', 'organisation_unknown'))}
${fact('law', mapping.law[language])}
${fact('mapping', html`<code>${mapping.id}</code>`)}
${fact(
  'period',
  html`${say('compliance', 'period_value', { from: time(from), to: time(to) })}${
    recordBeginsAt === undefined || recordBeginsAt <= from
      ? ''
      : html`<br><b>${say('compliance', 'record_begins', { at: time(recordBeginsAt) })}</b>`
  }`,
)}
${fact('made', say('compliance', 'made_value', { at: time(madeAt), actor }))}
${fact('installation', html`<code>${config.repository}</code>`)}
${fact('host', html`<code>${config.host.id}</code>`)}
${fact('software', `Holdfast ${softwareVersion}`)}
${fact('notify_within', spanIn(language, notifyWithin))}
${fact('sources', config.sources.map(({ name }) => name).join(', '))}
</tbody></table>
<h4>${say('compliance', 'destinations')}</h4>
<table><thead><tr><th>${say('compliance', 'destination')}</th><th>${say('compliance', 'jurisdiction')}</th><th>${say('compliance', 'lock')}</th></tr></thead><tbody>
${config.destinations.map(
  ({ name, jurisdiction, lock: { mode, days } }) =>
    html`<tr><td>${name}</td><td>${jurisdiction}</td><td>${say('compliance', 'lock_value', { mode, days: say('compliance', 'days', { count: days }) })}</td></tr>`,
)}
</tbody></table>
</header>
<h2>${say('compliance', 'summary')}</h2>
<table><thead><tr><th>${say('compliance', 'article')}</th><th>${say('compliance', 'control')}</th><th>${say('compliance', 'state')}</th></tr></thead><tbody>
${report.controls.map(
  ({ control: { article, id, title }, state }) =>
    html`<tr><td>${article}</td><td>${title[language]} <small>(<code>${id}</code>)</small></td><td>${stateMark(pen, state)}</td></tr>`,
)}
</tbody></table>
<h4>${say('compliance', 'signatures')}</h4>
<div class="signatures">${(['signature_officer', 'signature_director', 'signature_auditor'] as const).map(
    (who) => html`<p>${say('compliance', who)}</p>`,
  )}</div>`;
}

function stateMark({ say }: Pen, state: ReportedControl['state']): Html {
  return html`<span class="state ${state}">${say('compliance', `state_${state}`)}</span>`;
}

function articles(pen: Pen): Html[] {
  const { report, say, language } = pen;
  const byArticle = Map.groupBy(report.controls, ({ control }) => control.article);
  return [...byArticle].map(
    ([article, controls]) => html`<section class="page">
<h2>${say('compliance', 'article_about', { article, subject: report.mapping.articles[article]?.[language] ?? '' })}</h2>
${controls.map((control) => controlSection(pen, control))}
</section>
`,
  );
}

function controlSection(pen: Pen, { control, state, numbers }: ReportedControl): Html {
  const { say, language } = pen;
  const wrong = numbers.flatMap(({ name, ...counted }) =>
    isException(name) && counted.value > 0 ? [{ name, ...counted }] : [],
  );
  const shown = numbers.filter(
    ({ name, as, samples }) => !isException(name) && as !== 'basis' && samples.length > 0,
  );
  return html`<article>
<h3>${control.title[language]} ${stateMark(pen, state)}</h3>
${state === 'not_applicable' ? html`<p>${say('compliance', 'why_not_applicable')}</p>` : ''}
${state === 'unknown' ? html`<p>${say('compliance', 'why_unknown')}</p>` : ''}
<p><b>${say('compliance', 'claim')}:</b> ${control.claim[language]}</p>
<p><b>${say('compliance', 'how')}:</b> ${control.how[language]}</p>
<h4>${say('compliance', 'evidence')}</h4>
<table><thead><tr><th>${say('compliance', 'column_counts')}</th><th>${say('compliance', 'column_number')}</th><th>${say('compliance', 'column_query')}</th></tr></thead><tbody>
${numbers.map(
  ({ name, as, threshold, ...counted }) =>
    html`<tr><td>${say('compliance', `query_${name}`)}${
      as === 'required' && counted.value < threshold
        ? html` <b>(${say('compliance', 'required_missing', { threshold })})</b>`
        : ''
    }${todo(say, remedy({ name, as, threshold, ...counted }))}${kinds(pen, { name, ...counted })}</td><td class="number">${number(pen, name, counted.value)}</td><td><code>${name}</code>${
      namedQueries[name].standing === true ? '*' : ''
    }</td></tr>`,
)}
</tbody></table>
${shown.map((counted) => html`<p><small>${say('compliance', 'samples')}: ${say('compliance', `query_${counted.name}`)}</small></p>${samples(pen, counted)}`)}
<h4>${say('compliance', 'exceptions')}</h4>
${wrong.length === 0 ? html`<p>${say('compliance', 'no_exceptions')}</p>` : ''}
${wrong.map((counted) => exception(pen, counted))}
</article>
`;
}

function todo(say: Texts, command: string | undefined): Html | string {
  return command === undefined ? '' : html`<br>${say('compliance', 'required_todo', { command })}`;
}

/** A number as it was counted, and which query counts it. */
function number({ language }: Pen, name: QueryName, value: number, what?: string): Html {
  const shown = new Intl.NumberFormat(language).format(value);
  return what === undefined
    ? html`<data value="${value}" data-query="${name}">${shown}</data>`
    : html`<data value="${value}" data-query="${name}" data-what="${what}">${shown}</data>`;
}

function kinds(pen: Pen, { name, value, byWhat }: Pick<Counted, 'name' | 'value' | 'byWhat'>): Html | string {
  if (value === 0 || byWhat.size === 0) return '';
  const some = [...byWhat].slice(0, mostKinds);
  return html`<br><small>${some.map(
    ([what, count], index) => html`${index === 0 ? '' : ', '}${what}: ${number(pen, name, count, what)}`,
  )}${byWhat.size > mostKinds ? ' …' : ''}</small>`;
}

function exception(pen: Pen, counted: Counted & { readonly name: ExceptionName }): Html {
  const { report, say } = pen;
  const { name, samples: rows, value } = counted;
  return html`<p><b>${say('compliance', `query_${name}`)}</b></p>
<p><small>${say('compliance', 'what_was_done')}:</small> ${say('compliance', `done_${name}`)}</p>
${samples(pen, counted)}
${value > rows.length ? html`<p><small>${say('compliance', 'more', { command: `${recount(name, report)} --rows` })}</small></p>` : ''}`;
}

/** Columns of a table of samples, and how much room each wants beside the others. */
const widths = { id: 24, at: 20, what: 14, by: 13, source: 11, path: 22, look: 28 } as const;
type Column = keyof typeof widths;
const columns = Object.keys(widths) as readonly Column[];

function samples(pen: Pen, { name, samples: rows }: Counted): Html {
  const { say } = pen;
  const cells = rows.map((row) => cellsOf(pen, name, row));
  const used = columns.filter((column) => cells.some((row) => row[column] !== undefined));
  const room = used.reduce((sum, column) => sum + widths[column], 0);
  return html`<table class="samples"><colgroup>${used.map((column) => html`<col style="width: ${(100 * widths[column]) / room}%">`)}</colgroup><thead><tr>${used.map((column) => html`<th>${say('compliance', `column_${column}`)}</th>`)}</tr></thead><tbody>
${cells.map((row) => html`<tr>${used.map((column) => html`<td>${row[column] ?? ''}</td>`)}</tr>\n`)}</tbody></table>`;
}

function cellsOf(
  { time, includePaths }: Pen,
  name: QueryName,
  row: CountedRow,
): Readonly<Record<Column, Html | string | undefined>> {
  const look = lookAt(name, row);
  return {
    // What is looked at by its id has it in the command.
    id: look?.includes(row.id) === true ? undefined : html`<code>${row.id}</code>`,
    at: row.at === null ? undefined : time(row.at),
    what: row.what ?? undefined,
    by: row.by ?? undefined,
    source: row.source ?? undefined,
    path: includePaths && row.path !== null ? row.path.toString('utf8') : undefined,
    look: look === undefined ? undefined : html`<code>${look}</code>`,
  };
}

function record(pen: Pen): Html {
  const { report, say } = pen;
  return html`<section class="page">
<h2>${say('compliance', 'head')}</h2>
${report.head === undefined ? html`<p>${say('compliance', 'head_none')}</p>` : headTable(pen, report.head)}
</section>`;
}

function headTable({ report, say, time }: Pen, head: ReportedHead): Html {
  const facts: readonly (readonly [string, Html | string])[] = [
    [say('compliance', 'head_number'), String(head.number)],
    [say('compliance', 'head_at'), time(head.at)],
    [say('compliance', 'head_size'), String(head.size)],
    [say('compliance', 'head_root'), html`<code>${head.root}</code>`],
    [say('compliance', 'head_history'), html`<code>${head.history}</code>`],
    [say('compliance', 'head_sha256'), html`<code>${head.sha256}</code>`],
    [say('compliance', 'head_key'), html`<code>${head.key}</code>`],
    ...report.config.destinations.map(({ name }) => {
      const anchor = head.anchors.find(({ destination }) => destination === name);
      const told =
        anchor === undefined
          ? say('compliance', 'anchor_none')
          : say('compliance', 'anchor_value', {
              number: String(anchor.number),
              version: anchor.objectVersion,
              mode: anchor.lockMode ?? '-',
              until: anchor.retainUntil === null ? '-' : time(anchor.retainUntil),
            });
      return [say('compliance', 'anchor', { destination: name }), told] as const;
    }),
  ];
  return html`<table class="facts"><tbody>${facts.map(([label, value]) => html`<tr><th>${label}</th><td>${value}</td></tr>\n`)}</tbody></table>`;
}

function lastPage(pen: Pen): Html {
  const { report, say, runId } = pen;
  const { from, to, parameters } = report;
  const names = [...new Set(report.controls.flatMap(({ numbers }) => numbers.map(({ name }) => name)))];
  const variables = [
    `-v from='${from.toISOString()}'`,
    `-v to='${to.toISOString()}'`,
    `-v notify_within_ms=${parameters.notify_within_ms}`,
  ].join(' ');
  const checks = [
    say('compliance', 'check_number', { command: recount('<query>', report) }),
    say('compliance', 'check_standing'),
    say('compliance', 'check_psql', { variables }),
    say('compliance', 'check_trail', { command: 'holdfast audit verify --public-key audit.pub' }),
    say('compliance', 'check_key', { command: 'holdfast audit public-key --json' }),
    say('compliance', 'check_prove', { command: 'holdfast prove <source>:<path> --output proof.json' }),
    say('compliance', 'check_python', {
      command: 'python3 ops/audit/verify_proof.py --public-key audit.pub proof.json',
    }),
    say('compliance', 'check_made', { run: runId }),
  ];
  return html`<section class="page">
<h2>${say('compliance', 'checking')}</h2>
<ul>${checks.map((check) => html`<li>${check}</li>\n`)}</ul>
${names.map(
  (
    name,
  ) => html`<h4><code>${name}</code>${namedQueries[name].standing === true ? '*' : ''}: ${say('compliance', `query_${name}`)}</h4>
<pre>${namedQueries[name].sql.split('\n').map((line) => html`${line}\n`)}</pre>
`,
)}</section>`;
}
