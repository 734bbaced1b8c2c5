import type { TestInstallation } from '../../test/support/installation.ts';
import { dashboards } from '../../test/support/monitoring-files.ts';
import { Prometheus } from '../../test/support/prometheus.ts';

/** What one expression of a dashboard gives, for each of its series. */
interface Shown {
  readonly dashboard: string;
  readonly panel: string;
  readonly expression: string;
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number | null;
  }[];
}

/** Long enough for the whole sample. */
const interval = '15m';

/** A Prometheus that scrapes an installation from now on; the caller stops it. */
export async function startPrometheus(installation: TestInstallation): Promise<Prometheus> {
  const { worker, temporal } = await installation.services();
  const prometheus = await Prometheus.start({
    holdfast: String(worker?.metrics),
    'holdfast-sdk': String(worker?.sdkMetrics),
    temporal: String(temporal?.metrics),
  });
  await prometheus.scraped();
  return prometheus;
}

/** Every value that the dashboards show after the sample, and what the catalog counts. */
export async function dashboardValues(
  installation: TestInstallation,
  prometheus: Prometheus,
): Promise<{ readonly catalog: Readonly<Record<string, number>>; readonly shown: readonly Shown[] }> {
  await prometheus.scraped();
  const shown: Shown[] = [];
  for (const { title, panels } of dashboards)
    for (const panel of panels)
      for (const { datasource, expr } of panel.targets ?? []) {
        if (datasource.uid !== 'prometheus') continue;
        const expression = expr.replaceAll('$__rate_interval', interval);
        const values = (await prometheus.query(expression)).map(({ metric, value }) => ({
          labels: withoutInstance(metric),
          // JSON has no NaN: a quantile of nothing.
          value: Number.isFinite(value) ? value : null,
        }));
        shown.push({ dashboard: title, panel: panel.title, expression, values });
      }
  return { catalog: await outcomeCounts(installation), shown };
}

/** Versions by outcome. */
async function outcomeCounts(installation: TestInstallation): Promise<Record<string, number>> {
  const rows = await installation.query<{ outcome: string; count: number }>(
    `select outcome, count(*)::int as count from versions where outcome is not null group by outcome order by outcome`,
  );
  return Object.fromEntries(rows.map(({ outcome, count }) => [outcome, count]));
}

/** Where it was scraped is this machine's business. */
function withoutInstance({
  instance: _,
  ...labels
}: Readonly<Record<string, string>>): Record<string, string> {
  return labels;
}
