// Owns what Prometheus is told of the fleet and of the hub. Unknown is no sample. Names of nodes and of runtimes are no
// labels: the number of series is bounded by the cells that are told one by one and by the number of shards.

import { RUNTIME_STATES } from '../../contract/words.ts';
import type { Cell } from './cell-book.ts';
import { addTo, noSums, type Sums } from './cell-sums.ts';
import {
  ENDED_JOB_STATES,
  OPEN_JOB_STATES,
  SNAPSHOT_RESULTS,
  type FleetCounters,
  type ShardCounters,
} from './counters.ts';
import type { Family, Labels, Sample } from './exposition.ts';
import { gridCell, gridTotals } from './grid.ts';

/** Cells beyond these, the ones with the fewest runtimes, are told as one whose labels are all `other`. */
export const METRIC_CELLS_MAX = 200;
const OTHER = 'other';

/** The label of what runtimes do not name. */
const UNNAMED = '';

export type Observed = {
  version: string;
  ttlSeconds: number;
  total: Sums;
  cells: readonly Cell[];
  /** By the names of the objects. */
  shards: readonly (readonly [string, ShardCounters])[];
  fleet: FleetCounters;
};

export function metricFamilies(observed: Observed): Family[] {
  return [...ofFleet(observed), ...ofCells(observed.cells), ...ofObjects(observed)];
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

function ofCells(cells: readonly Cell[]): Family[] {
  const { told, folded } = bounded(cells);
  const rows = told.map((cell) => ({ labels: labelsOf(cell), cell: gridCell(cell) }));
  if (folded.count > 0) {
    const labels = { model: OTHER, hardware: OTHER, sandbox: OTHER };
    rows.push({ labels, cell: gridCell({ name: { hardware: OTHER }, sums: folded.sums }) });
  }
  type Row = (typeof rows)[number];
  const each = (value: (cell: Row['cell']) => number | undefined): Sample[] =>
    rows.map(({ labels, cell }) => ({ labels, value: value(cell) }));
  return [
    gauge('arw_cells', 'Cells of the grid: a model on a piece of hardware in a sandbox.', [
      { value: cells.length },
    ]),
    gauge('arw_cells_folded', `Cells that are told together as "${OTHER}".`, [{ value: folded.count }]),
    gauge(
      'arw_cell_runtimes',
      'Runtimes of a cell by state.',
      rows.flatMap(({ labels, cell }) =>
        RUNTIME_STATES.map((state) => ({ labels: { ...labels, state }, value: cell.states[state] ?? 0 })),
      ),
    ),
    gauge(
      'arw_cell_nodes',
      'Nodes with a runtime in the cell.',
      each(({ nodes }) => nodes),
    ),
    gauge(
      'arw_cell_capacity',
      'Slots of runtimes that take new work.',
      each(({ capacity }) => capacity),
    ),
    gauge(
      'arw_cell_inflight',
      'Requests at work.',
      each(({ inflight }) => inflight),
    ),
    gauge(
      'arw_cell_queued',
      'Requests that wait in the runtimes.',
      each(({ queued }) => queued),
    ),
    gauge(
      'arw_cell_load_ratio',
      'Busy slots of those known, 0 to 1.',
      each(({ load_ratio: load }) => load),
    ),
    gauge(
      'arw_cell_predicted_tokens_per_second',
      'Paces of the runtimes that tell one, added.',
      each((cell) => cell.predicted_tokens_per_second),
    ),
    gauge(
      'arw_cell_error_ratio',
      'Failed requests of all, 0 to 1.',
      each((cell) => cell.error_rate),
    ),
    gauge(
      'arw_cell_latency_seconds',
      'How long the runtimes take to answer a look, on average.',
      each(({ latency_ms: latency }) => latency && latency / 1000),
    ),
  ];
}

function ofObjects({ shards, fleet }: Observed): Family[] {
  const each = (samples: (counters: ShardCounters) => Sample[]): Sample[] =>
    shards.flatMap(([object, counters]) =>
      samples(counters).map(({ labels, value }) => ({ labels: { object, ...labels }, value })),
    );
  return [
    gauge('arw_object_start_time_seconds', 'When the object began to count, as a Unix time.', [
      ...each(({ startedAt }) => [{ value: startedAt / 1000 }]),
      { labels: { object: 'fleet' }, value: fleet.startedAt / 1000 },
    ]),
    counter(
      'arw_snapshots_total',
      'Snapshots that came, by what became of them.',
      each(({ snapshots }) =>
        (['socket', 'post'] as const).flatMap((transport) =>
          SNAPSHOT_RESULTS.map((result) => ({
            labels: { transport, result },
            value: snapshots[transport][result],
          })),
        ),
      ),
    ),
    gauge(
      'arw_uplinks',
      'Open sockets of nodes.',
      each(({ uplinks }) => [{ value: uplinks }]),
    ),
    gauge(
      'arw_commands_open',
      'Commands that have not ended, by state.',
      each(({ commandsOpen }) =>
        OPEN_JOB_STATES.map((state) => ({ labels: { state }, value: commandsOpen[state] })),
      ),
    ),
    counter(
      'arw_commands_ended_total',
      'Commands that have ended, by state.',
      each(({ commandsEnded }) =>
        ENDED_JOB_STATES.map((state) => ({ labels: { state }, value: commandsEnded[state] })),
      ),
    ),
    counter(
      'arw_fleet_calls_total',
      'What the object "fleet" was asked, by what.',
      Object.entries(fleet.calls).map(([call, value]) => ({ labels: { object: 'fleet', call }, value })),
    ),
  ];
}

/** The same cells in every scrape, as long as the fleet stays the same. */
function bounded(cells: readonly Cell[]): { told: Cell[]; folded: { count: number; sums: Sums } } {
  const bySize = cells.toSorted((a, b) => b.sums.runtimes - a.sums.runtimes);
  const sums = noSums();
  const folded = bySize.slice(METRIC_CELLS_MAX);
  for (const cell of folded) addTo(sums, cell.sums);
  return { told: bySize.slice(0, METRIC_CELLS_MAX), folded: { count: folded.length, sums } };
}

function labelsOf({ name: { model = UNNAMED, hardware, sandbox = UNNAMED } }: Cell): Labels {
  return { model, hardware, sandbox };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'gauge', samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'counter', samples };
}
