// Owns how sums of runtimes are told: as a cell of the grid, or as the figures that cells and totals have in common. The
// hub and the dashboard add up the same runtimes, and must say the same of them.

import { cellStatus } from './cell-status.ts';
import type { CellName, Sums } from './cell-sums.ts';
import type { GridCell, GridSums } from './grid.ts';
import { ModelSchema } from './runtime-record.ts';
import { RUNTIME_STATES } from './words.ts';

const MODEL_STATES = ModelSchema.entries.state.options;

export function gridCell({ name, sums }: { name: CellName; sums: Sums }): GridCell {
  return {
    ...name,
    status: cellStatus(sums),
    ...gridSums(sums),
    model_states: counts(MODEL_STATES.map((state) => [state, sums[`model_${state}`]])),
  };
}

export function gridSums(sums: Sums): GridSums {
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
