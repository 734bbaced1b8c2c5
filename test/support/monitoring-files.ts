/** What is in ops/prometheus and ops/grafana, as data. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

const ops = path.join(import.meta.dirname, '../../ops');

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly datasource: { readonly type: string; readonly uid: string };
  }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

const rules = path.join(ops, 'prometheus/rules');

export const alerts: readonly Alert[] = readdirSync(rules).flatMap((file) =>
  (parse(readFileSync(path.join(rules, file), 'utf8')) as { groups: { rules: Alert[] }[] }).groups.flatMap(
    (group) => group.rules,
  ),
);

const folder = path.join(ops, 'grafana/dashboards');

export const dashboards: readonly Dashboard[] = readdirSync(folder).map(
  (file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Dashboard,
);

/** Every expression of Prometheus, and where it stands; Grafana's interval is the last two minutes. */
export function expressions(): { readonly where: string; readonly expr: string }[] {
  const ofPanels = dashboards.flatMap(({ title, panels }) =>
    panels.flatMap((panel) =>
      (panel.targets ?? [])
        .filter(({ datasource }) => datasource.uid === 'prometheus')
        .map(({ expr, refId }) => ({
          where: `${title} › ${panel.title} › ${refId}`,
          expr: expr.replaceAll('$__rate_interval', '2m'),
        })),
    ),
  );
  return [...ofPanels, ...alerts.map(({ alert, expr }) => ({ where: alert, expr }))];
}

const words = new Set(
  'by without on ignoring and or unless sum min max count avg rate increase time vector histogram_quantile'.split(
    ' ',
  ),
);

/** The metrics that an expression asks for; a histogram by its own name. */
export function metricNames(expr: string): string[] {
  const bare = expr
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(by|without|on|ignoring) *\([^)]*\)/g, ' ');
  const names = [...bare.matchAll(/\b[a-z_][a-z0-9_:]*\b/g)].map(([name]) => name);
  return [...new Set(names.filter((name) => !words.has(name)).map((name) => name.replace(/_bucket$/, '')))];
}
