// Owns the grid: sums of runtimes told as cells and totals, and which cells a filter shows.

import * as v from 'valibot';
import { cellKey, type Sums } from '../../contract/cell-sums.ts';
import { gridCell, gridSums } from '../../contract/grid-cell.ts';
import type { GridCell, GridTotals } from '../../contract/grid.ts';
import { kindOf } from '../../contract/hardware.ts';
import { RuntimeStateSchema } from '../../contract/words.ts';
import type { Cell } from './cell-book.ts';

/** The largest page: a bounded answer is what a page is asked for. */
const PAGE_MAX = 1000;

const Part = v.nullable(v.string());
const KeySchema = v.pipe(v.string(), v.parseJson(), v.strictTuple([Part, v.string(), Part]));

const Name = v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(256)));

/** The query parameters of the grid. A name or a value that is unknown is an error, never ignored. */
export const GridQuerySchema = v.strictObject({
  model: Name,
  /** As in the cell, or its kind alone: `GPU (CUDA)`. */
  hardware: Name,
  sandbox: Name,
  /** At least one runtime is in it. */
  state: v.optional(RuntimeStateSchema),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,6}$/, 'must be a whole number'),
      v.transform(Number),
      v.minValue(1),
      v.maxValue(PAGE_MAX),
    ),
  ),
  /** The place of the last cell of the page before. */
  cursor: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => v.is(KeySchema, text), 'must be the next_cursor of a page'),
    ),
  ),
});
export type GridQuery = v.InferOutput<typeof GridQuerySchema>;

export type GridPage = {
  cells: GridCell[];
  /** The cursor of the page that follows; undefined where none does. */
  next: string | undefined;
};

/** @param cells in the order of their keys, which a cursor goes on in whatever has come or gone meanwhile. */
export function gridPage(cells: readonly Cell[], query: GridQuery): GridPage {
  const { limit, cursor } = query;
  const after = cells.filter(
    (cell) => isShown(cell, query) && (cursor === undefined || keyOf(cell) > cursor),
  );
  const shown = after.slice(0, limit);
  const last = shown.length < after.length ? shown.at(-1) : undefined;
  return { cells: shown.map(gridCell), next: last && keyOf(last) };
}

/** True for the grid as it is patched. */
export function isWholeGrid(query: GridQuery): boolean {
  return Object.values(query).every((value) => value === undefined);
}

function keyOf({ name }: Cell): string {
  return cellKey(name);
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

function isShown({ name, sums }: Cell, { model, hardware, sandbox, state }: GridQuery): boolean {
  if (model !== undefined && name.model !== model) return false;
  if (hardware !== undefined && name.hardware !== hardware && kindOf(name.hardware) !== hardware)
    return false;
  if (sandbox !== undefined && name.sandbox !== sandbox) return false;
  return state === undefined || sums[state] > 0;
}
