// Owns what Prometheus is told of the fleet and of the hub. Unknown is no sample. Names of nodes and of runtimes are no
// labels: the number of series is bounded by the cells that are told one by one and by the number of shards.

import { RUNTIME_STATES } from '../../contract/words.ts';
import type { Cell } from './cell-book.ts';
import { cellMetrics } from './cell-metrics.ts';
import type { Sums } from '../../contract/cell-sums.ts';
import { gauge, type Family } from './exposition.ts';
import { gridTotals } from './grid.ts';
import { objectMetrics, type CountedObjects } from './object-metrics.ts';

export type Observed = CountedObjects & {
  version: string;
  ttlSeconds: number;
  total: Sums;
  cells: readonly Cell[];
};

export function metricFamilies(observed: Observed): Family[] {
  return [...ofFleet(observed), ...cellMetrics(observed.cells), ...objectMetrics(observed)];
}

function ofFleet({ version, ttlSeconds, total, cells }: Observed): Family[] {
  const totals = gridTotals(total, cells.length);
  return [
    gauge('arw_hub_info', 'The version of the hub, as a label.', [{ labels: { version }, value: 1 }]),
    gauge('arw_ttl_seconds', 'After so long without a word a node is stale.', [{ value: ttlSeconds }]),
    gauge('arw_nodes', 'Nodes that were heard within the retention time, by freshness.', [
      { labels: { freshness: 'fresh' }, value: totals.nodes - totals.stale_nodes },
      { labels: { freshness: 'stale' }, value: totals.stale_nodes },
    ]),
    gauge(
      'arw_runtimes',
      'Runtimes by state; those of stale nodes are unknown.',
      RUNTIME_STATES.map((state) => ({ labels: { state }, value: totals.states[state] ?? 0 })),
    ),
    gauge('arw_runtimes_draining', 'Runtimes that take no new work.', [{ value: totals.draining }]),
    gauge('arw_restarts_max', 'Restarts that the budgets of all live runtimes allow in their windows.', [
      { value: totals.restarts_max },
    ]),
    gauge('arw_restarts_remaining', 'Restarts that are left in these budgets.', [
      { value: totals.restarts_remaining },
    ]),
    gauge('arw_restarts_exhausted_runtimes', 'Runtimes that have spent their whole restart budget.', [
      { value: totals.restarts_exhausted },
    ]),
    gauge('arw_predicted_tokens_per_second', 'Paces of all runtimes that tell one, added.', [
      { value: totals.predicted_tokens_per_second },
    ]),
  ];
}
