// Owns what Prometheus is told of the cells: the largest one by one, the others together, so that the number of series has
// a bound.

import { RUNTIME_STATES } from '../../contract/words.ts';
import type { Cell } from './cell-book.ts';
import { addTo, noSums, type Sums } from '../../contract/cell-sums.ts';
import { gauge, type Family, type Labels, type Sample } from './exposition.ts';
import { gridCell } from '../../contract/grid-cell.ts';

/** Cells beyond these, the ones with the fewest runtimes, are told as one whose labels are all `other`. */
export const METRIC_CELLS_MAX = 200;
const OTHER = 'other';

/** The label of what runtimes do not name. */
const UNNAMED = '';

export function cellMetrics(cells: readonly Cell[]): Family[] {
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
