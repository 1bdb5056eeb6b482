// Owns reading PromQL by Prometheus's own grammar: which metrics an expression asks for, and by which labels.

import { parser } from '@prometheus-io/lezer-promql';

export type Asked = { metrics: string[]; labels: string[] };

/** What Grafana puts in before Prometheus sees it. */
function filledIn(expression: string): string {
  return expression.replaceAll('$__rate_interval', '5m');
}

/** @throws where it is no PromQL. */
export function askedBy(expression: string): Asked {
  const text = filledIn(expression);
  const metrics = new Set<string>();
  const labels = new Set<string>();
  parser.parse(text).iterate({
    enter({ name, type, from, to }) {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${text}`);
      if (name === 'Identifier') metrics.add(text.slice(from, to));
      if (name === 'LabelName') labels.add(text.slice(from, to));
    },
  });
  return { metrics: [...metrics], labels: [...labels] };
}
