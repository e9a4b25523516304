/** Alert rules and dashboard ask for metrics and labels that exist, in PromQL that Prometheus' grammar understands. */
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { seriesNames } from '../support/metric-names.ts';
import { readQuery } from '../support/promql.ts';

interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; what_to_do: string; page: string };
}
interface Panel {
  title: string;
  type: string;
  targets?: { expr: string; legendFormat?: string }[];
}

const root = new URL('../../', import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');
const { groups } = parse(await read('deploy/prometheus/rules.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(await read('deploy/grafana/dashboards/headgate.json')) as { uid: string; panels: Panel[]; templating: { list: { name: string; definition?: string }[] } };
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const series = seriesNames();
/** What each target of Prometheus has besides. */
const COMMON = ['job', 'instance', 'namespace'];

const sources = await Promise.all((await readdir(new URL('src', root), { recursive: true })).filter((file) => file.endsWith('.ts')).map((file) => read(`src/${file}`)));
const code = sources.join('\n');

/** Why an expression would find nothing. */
function mistakesOf(expression: string): string[] {
  const { mistakes, selectors, groupings } = readQuery(expression);
  const labelsOf = (metric: string): string[] => [...(series.get(metric) ?? []), ...COMMON];
  return [
    ...mistakes.map((near) => `not PromQL near ${near}`),
    ...selectors.flatMap(({ metric, matchers }) => {
      if (!series.has(metric)) return [`there is no metric ${metric}`];
      const wrong = matchers.filter(({ label }) => !labelsOf(metric).includes(label)).map(({ label }) => `${metric} has no label ${label}`);
      const own = metric.startsWith('headgate_') ? matchers.filter(({ label, value }) => !COMMON.includes(label) && !value.includes('$')) : [];
      const values = own.flatMap(({ label, value, regex }) => (regex ? value.split('|') : [value]).map((one) => ({ label, one })));
      return [...wrong, ...values.filter(({ one }) => !code.includes(`'${one}'`)).map(({ label, one }) => `nothing in src/ says '${one}', for the label ${label} of ${metric}`)];
    }),
    ...groupings.flatMap(({ labels, metrics }) => labels.flatMap((label) => metrics.filter((metric) => series.has(metric) && !labelsOf(metric).includes(label)).map((metric) => `${metric} has no label ${label} to group by`))),
  ];
}

test.each([
  ['sum(rate(headgate_webhook_answer_total[5m]))', 'there is no metric headgate_webhook_answer_total'],
  ['sum(headgate_webhook_answer_seconds)', 'there is no metric headgate_webhook_answer_seconds'],
  ['headgate_sync_state{status="stuck"}', 'headgate_sync_state has no label status'],
  ['headgate_sync_state{state=~"stuck|stucked"}', "nothing in src/ says 'stucked', for the label state of headgate_sync_state"],
  ['sum by (audience) (rate(headgate_pushes_total[5m]))', 'headgate_pushes_total has no label audience to group by'],
  ['sum(rate(headgate_pushes_total[5m])', 'not PromQL near'],
])('%s is noticed', (expression, mistake) => {
  expect(mistakesOf(expression).join('\n')).toContain(mistake);
});

describe('the alert rules', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))('%s asks for what there is, and says where to read on', async (_name, { expr, labels, annotations }) => {
    expect(mistakesOf(expr)).toEqual([]);
    expect(labels.severity).toMatch(/^(critical|warning)$/);
    expect(annotations.what_to_do).not.toBe('');
    const [page = '', anchor] = annotations.page.split('#');
    const headings = (await read(page)).split('\n').flatMap((line) => /^#+ (.*)$/.exec(line)?.[1] ?? []).map(slug);
    if (anchor !== undefined) expect(headings).toContain(anchor);
    const shown = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);
    const known = readQuery(expr).selectors.flatMap(({ metric }) => [...(series.get(metric) ?? []), ...COMMON]);
    for (const label of shown) expect(known).toContain(label);
  });

  test('have names of their own', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });
});

/** As the pages of GitHub name a heading. */
const slug = (heading: string): string => heading.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-');

describe('the dashboard', () => {
  test.each(panels.map((panel) => [panel.title, panel] as const))('%s asks for what there is', (_title, { targets = [] }) => {
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr, legendFormat = '' } of targets) {
      expect(mistakesOf(expr)).toEqual([]);
      const known = readQuery(expr).selectors.flatMap(({ metric }) => [...(series.get(metric) ?? []), ...COMMON]);
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(known).toContain(label);
    }
  });

  test('has variables that exist, and shows what alerts are about, but for two that an alert says whole', () => {
    for (const { definition } of dashboard.templating.list) {
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(definition ?? '') ?? [];
      if (definition !== undefined) expect(series.get(metric ?? '')).toContain(label);
    }
    const shown = new Set(panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => readQuery(expr).selectors.map(({ metric }) => metric))));
    const alerted = new Set(rules.flatMap(({ expr }) => readQuery(expr).selectors.map(({ metric }) => metric)).filter((metric) => metric.startsWith('headgate_')));
    expect([...alerted].filter((metric) => !shown.has(metric)).toSorted()).toEqual(['headgate_export_state', 'headgate_sweep_timestamp_seconds']);
  });
});
