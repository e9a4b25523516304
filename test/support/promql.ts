/** What a PromQL expression asks for, read with Prometheus' own grammar. */
import { parser } from '@prometheus-io/lezer-promql';

export interface Query {
  /** Where the grammar does not understand it. */
  mistakes: string[];
  /** Metrics with the labels that are matched, and the values that they are matched with. */
  selectors: { metric: string; matchers: { label: string; value: string; regex: boolean }[] }[];
  /** Labels of `by (…)`, `without (…)`, `on (…)`, with the metrics inside that aggregation. */
  groupings: { labels: string[]; metrics: string[] }[];
}

export function readQuery(expression: string): Query {
  // Grafana's variables stand for a duration or for a text within a matcher.
  const text = expression.replaceAll('$__rate_interval', '5m');
  const query: Query = { mistakes: [], selectors: [], groupings: [] };
  const metricsWithin = (from: number, to: number): string[] => {
    const found: string[] = [];
    parser.parse(text).iterate({ from, to, enter: (node) => { if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector') found.push(text.slice(node.from, node.to)); } });
    return found;
  };
  parser.parse(text).iterate({
    enter: ({ node, type }) => {
      const all = (name: string): string[] => node.getChildren(name).map(({ from, to }) => text.slice(from, to));
      if (type.isError) query.mistakes.push(text.slice(Math.max(0, node.from - 20), node.to + 20));
      if (node.name === 'VectorSelector') query.selectors.push({ metric: all('Identifier')[0] ?? '', matchers: [] });
      if (node.name === 'UnquotedLabelMatcher') {
        const [label = ''] = all('LabelName');
        const [value = '""'] = all('StringLiteral');
        const [operator = '='] = all('MatchOp');
        query.selectors.at(-1)?.matchers.push({ label, value: value.slice(1, -1), regex: operator.endsWith('~') });
      }
      if (node.name === 'GroupingLabels' && node.parent) {
        const whole = node.parent.name === 'AggregateModifier' ? node.parent.parent : node.parent;
        query.groupings.push({ labels: all('LabelName'), metrics: whole ? metricsWithin(whole.from, whole.to) : [] });
      }
    },
  });
  return query;
}
