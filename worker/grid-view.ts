// Owns how the cells of all shards become one grid, and how long an isolate may show it again: as long as the shards say.

import type { Grid } from '../contract/grid.ts';
import { merged, type Cell } from './domain/cell-book.ts';
import type { Sums } from '../contract/cell-sums.ts';
import { entityTag } from './domain/etag.ts';
import { isoTime } from './domain/freshness.ts';
import { gridCells, gridTotals, type GridFilter } from './domain/grid.ts';
import { ttlSeconds } from './domain/settings.ts';
import type { Env } from './env.ts';
import { askAll } from './objects/stubs.ts';

type Look = { total: Sums; cells: Cell[]; etag: string; updated: string; version: number; until: number };

/** Plain data only: a promise of one request must not be awaited by another. */
let kept: Look | undefined;

/** The cells of the whole fleet; filters are looked through here, so that they cost the shards nothing. */
export async function fleetCells(env: Env): Promise<Look> {
  // Before the question: what the way takes counts against the time that the answer may be shown.
  const now = Date.now();
  if (kept !== undefined && now < kept.until) return kept;
  const cuts = await askAll(env, (shard, place) => shard.cells(place));
  kept = {
    ...merged(cuts.map(({ report }) => report)),
    etag: entityTag(cuts.map(({ name }) => name)),
    // The newest one: until then every shard was as it is told here.
    updated: isoTime(Math.max(...cuts.map(({ at }) => at))),
    version: cuts.reduce((sum, { name }) => sum + name.version, 0),
    until: now + Math.min(...cuts.map(({ showableMs }) => showableMs)),
  };
  return kept;
}

export async function gridView(env: Env, filter: GridFilter): Promise<{ body: string; etag: string }> {
  const { total, cells, etag, updated, version } = await fleetCells(env);
  const grid: Grid = {
    cells: gridCells(cells, filter),
    totals: gridTotals(total, cells.length),
    ttl_seconds: ttlSeconds(env.ARW_RUNTIME_MATRIX_TTL_SEC),
    updated,
    version,
  };
  return { body: JSON.stringify(grid), etag };
}
