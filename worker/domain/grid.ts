// Owns the grid: sums of runtimes told as cells and totals, and which cells a filter shows.

import * as v from 'valibot';
import type { Sums } from '../../contract/cell-sums.ts';
import { gridCell, gridSums } from '../../contract/grid-cell.ts';
import type { GridCell, GridTotals } from '../../contract/grid.ts';
import { kindOf } from '../../contract/hardware.ts';
import { RuntimeStateSchema } from '../../contract/words.ts';
import type { Cell } from './cell-book.ts';

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
    ...gridSums(total),
    stale_nodes: total.stale_nodes,
    ...(total.restarts_told > 0 && { restarts_max, restarts_remaining, restarts_exhausted }),
  };
}

function isShown({ name, sums }: Cell, { model, hardware, sandbox, state }: GridFilter): boolean {
  if (model !== undefined && name.model !== model) return false;
  if (hardware !== undefined && name.hardware !== hardware && kindOf(name.hardware) !== hardware)
    return false;
  if (sandbox !== undefined && name.sandbox !== sandbox) return false;
  return state === undefined || sums[state] > 0;
}
