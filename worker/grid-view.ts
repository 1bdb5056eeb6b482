// Owns how the cells of all shards become one grid, and how long an isolate may show it again: as long as the shards say.

import type { Grid } from '../contract/grid.ts';
import type { Sums } from '../contract/cell-sums.ts';
import { merged, type Cell } from './domain/cell-book.ts';
import { entityTag } from './domain/etag.ts';
import { isoTime } from './domain/freshness.ts';
import { gridPage, gridTotals, isWholeGrid, type GridQuery } from './domain/grid.ts';
import { ttlSeconds } from './domain/settings.ts';
import type { Env } from './env.ts';
import { askAll, fleet, type ToldGrid } from './objects/stubs.ts';
import { SharedLook, type Looker } from './shared-look.ts';
import { unreachedMember, unreachedNames } from './unreached.ts';

type Look = {
  total: Sums;
  cells: Cell[];
  etag: string;
  updated: string;
  version: number;
  until: number;
  missing: ReturnType<typeof unreachedMember>;
  /** Where somebody subscribes to patches: the grid that the next one changes, which is as new as this or newer. */
  told: ToldGrid | null;
};

const shared = new SharedLook<Look>();

/** The cells of the whole fleet; filters are looked through here, so that they cost the shards nothing. */
export async function fleetCells(env: Env, looker: Looker): Promise<Look> {
  return shared.look(looker, async (now) => {
    const cuts = await askAll(env, (shard, place) => shard.cells(place));
    const told = cuts.some(({ isWatched }) => isWatched) ? await fleet(env).grid(cuts) : null;
    const names = [...cuts.map(({ name }) => name), ...unreachedNames(cuts)];
    return {
      ...merged(cuts.map(({ report }) => report)),
      etag: entityTag(told === null ? names : [...names, { epoch: 'told', version: told.version }]),
      // The newest one: until then every shard was as it is told here.
      updated: isoTime(Math.max(...cuts.map(({ at }) => at))),
      version: cuts.reduce((sum, { name }) => sum + name.version, 0),
      missing: unreachedMember(cuts),
      until: now + Math.min(...cuts.map(({ showableMs }) => showableMs)),
      told,
    };
  });
}

export async function gridView(
  env: Env,
  looker: Looker,
  query: GridQuery,
): Promise<{ body: string; etag: string }> {
  const { told, total, cells, etag, updated, version, missing } = await fleetCells(env, looker);
  const page = gridPage(cells, query);
  const grid: Grid = {
    cells: page.cells,
    totals: gridTotals(total, cells.length),
    // Only the whole is patched.
    ...(isWholeGrid(query) && told !== null && { cells: told.cells, totals: told.totals }),
    ttl_seconds: ttlSeconds(env.ARW_RUNTIME_MATRIX_TTL_SEC),
    updated,
    version,
    ...(isWholeGrid(query) && { versions: { fleet: told?.version ?? 0 } }),
    ...(page.next !== undefined && { next_cursor: page.next }),
    ...missing,
  };
  return { body: JSON.stringify(grid), etag };
}
