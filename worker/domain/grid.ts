// Owns the grid: sums of runtimes told as cells and totals, and which cells a filter shows.

import * as v from 'valibot';
import type { GridCell, GridSums, GridTotals } from '../../contract/grid.ts';
import { ModelSchema } from '../../contract/runtime-record.ts';
import { RUNTIME_STATES, RuntimeStateSchema } from '../../contract/words.ts';
import type { Cell } from './cell-book.ts';
import { cellStatus } from './cell-status.ts';
import type { Sums } from './cell-sums.ts';
import { kindOf } from './hardware.ts';

const MODEL_STATES = ModelSchema.entries.state.options;

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

export function gridCells(cells: readonly Cell[], filter: GridFilter = {}): GridCell[] {
  return cells.filter((cell) => isShown(cell, filter)).map(gridCell);
}

export function gridTotals(total: Sums, cells: number): GridTotals {
  const { restarts_max, restarts_remaining, restarts_exhausted } = total;
  return {
    cells,
    ...sumsOf(total),
    stale_nodes: total.stale_nodes,
    ...(total.restarts_told > 0 && { restarts_max, restarts_remaining, restarts_exhausted }),
  };
}

export function gridCell({ name, sums }: Cell): GridCell {
  return {
    ...name,
    status: cellStatus(sums),
    ...sumsOf(sums),
    model_states: counts(MODEL_STATES.map((state) => [state, sums[`model_${state}`]])),
  };
}

function isShown({ name, sums }: Cell, { model, hardware, sandbox, state }: GridFilter): boolean {
  if (model !== undefined && name.model !== model) return false;
  if (hardware !== undefined && name.hardware !== hardware && kindOf(name.hardware) !== hardware)
    return false;
  if (sandbox !== undefined && name.sandbox !== sandbox) return false;
  return state === undefined || sums[state] > 0;
}

function sumsOf(sums: Sums): GridSums {
  const { nodes, runtimes, silent, draining, capacity, inflight, queued } = sums;
  return {
    nodes,
    runtimes,
    states: counts(RUNTIME_STATES.map((state) => [state, sums[state]])),
    silent,
    draining,
    ...(sums.capacity_told > 0 && { capacity }),
    ...(sums.inflight_told > 0 && { inflight }),
    ...(sums.queued_told > 0 && { queued }),
    ...(sums.slots > 0 && { load_ratio: Math.min(1, rounded(sums.slots_busy / sums.slots, 10_000)) }),
    ...(sums.pace_told > 0 && { predicted_tokens_per_second: sums.pace_milli / 1000 }),
    ...(sums.requests > 0 && { error_rate: rounded(sums.errors / sums.requests, 1_000_000) }),
    ...(sums.latency_told > 0 && { latency_ms: Math.round(sums.latency_micros / sums.latency_told) / 1000 }),
  };
}

function counts(all: readonly (readonly [string, number])[]): Record<string, number> {
  return Object.fromEntries(all.filter(([, count]) => count > 0));
}

/** More digits than are known would change with every heartbeat. */
function rounded(ratio: number, parts: number): number {
  return Math.round(ratio * parts) / parts;
}
