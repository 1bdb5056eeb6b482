// Owns the grid: sums of runtimes told as cells and totals, and which cells a filter shows.

import * as v from 'valibot';
import type { GridCell, GridSums, GridTotals } from '../../contract/grid.ts';
import { RUNTIME_STATES, RuntimeStateSchema } from '../../contract/words.ts';
import type { CellReport } from './cell-book.ts';
import { cellStatus } from './cell-status.ts';
import { MODEL_STATES, type CellSums, type Sums } from './cell-sums.ts';
import { kindOf } from './hardware.ts';

const Name = v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(256)));

/** The query parameters of the grid. A name or a value that is unknown is an error, never ignored. */
export const GridQuerySchema = v.strictObject({
  model: Name,
  /** As in the cell, or its kind alone: `GPU (CUDA)`. */
  hardware: Name,
  sandbox: Name,
  /** At least one runtime is in it. */
  state: v.optional(RuntimeStateSchema),
});
export type GridFilter = v.InferOutput<typeof GridQuerySchema>;

export function gridCells({ cells }: CellReport, filter: GridFilter = {}): GridCell[] {
  return cells.filter((cell) => isShown(cell, filter)).map(gridCell);
}

export function gridTotals({ cells, total }: CellReport): GridTotals {
  return {
    cells: cells.length,
    ...sumsOf(total),
    stale_nodes: total.stale_nodes ?? 0,
    ...(total.restarts_told !== undefined && {
      restarts_max: total.restarts_max ?? 0,
      restarts_remaining: total.restarts_remaining ?? 0,
      restarts_exhausted: total.restarts_exhausted ?? 0,
    }),
  };
}

export function gridCell({ name, sums }: CellSums): GridCell {
  return {
    ...name,
    status: cellStatus(sums),
    ...sumsOf(sums),
    model_states: counts(MODEL_STATES.map((state) => [state, sums[`model_${state}`]])),
  };
}

function isShown({ name, sums }: CellSums, { model, hardware, sandbox, state }: GridFilter): boolean {
  if (model !== undefined && name.model !== model) return false;
  if (hardware !== undefined && name.hardware !== hardware && kindOf(name.hardware) !== hardware)
    return false;
  if (sandbox !== undefined && name.sandbox !== sandbox) return false;
  return state === undefined || sums[state] !== undefined;
}

function sumsOf(sums: Sums): GridSums {
  const { nodes = 0, runtimes = 0, silent = 0, draining = 0, slots, requests } = sums;
  const load = slots === undefined ? undefined : Math.min(1, (sums.slots_busy ?? 0) / slots);
  const errorRate = requests === undefined ? undefined : (sums.errors ?? 0) / requests;
  const latency = sums.latency_told && (sums.latency_micros ?? 0) / sums.latency_told;
  return {
    nodes,
    runtimes,
    states: counts(RUNTIME_STATES.map((state) => [state, sums[state]])),
    silent,
    draining,
    ...(sums.capacity_told !== undefined && { capacity: sums.capacity ?? 0 }),
    ...(sums.inflight_told !== undefined && { inflight: sums.inflight ?? 0 }),
    ...(sums.queued_told !== undefined && { queued: sums.queued ?? 0 }),
    ...(load !== undefined && { load_ratio: rounded(load, 10_000) }),
    ...(sums.pace_told !== undefined && { predicted_tokens_per_second: (sums.pace_milli ?? 0) / 1000 }),
    ...(errorRate !== undefined && { error_rate: rounded(errorRate, 1_000_000) }),
    ...(latency !== undefined && { latency_ms: Math.round(latency) / 1000 }),
  };
}

function counts(all: readonly (readonly [string, number | undefined])[]): Record<string, number> {
  return Object.fromEntries(all.flatMap(([state, count]) => (count === undefined ? [] : [[state, count]])));
}

/** More digits than are known would change with every heartbeat. */
function rounded(ratio: number, parts: number): number {
  return Math.round(ratio * parts) / parts;
}
