// Owns nodes that say something of their runtimes, by hand or by chance, and the grid that they add up to.

import * as fc from 'fast-check';
import type { GridCell, GridTotals } from '../../contract/grid.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { RUNTIME_STATES, severityOfState } from '../../contract/words.ts';
import { CellBook, merged, type Cell, type LastSaid } from '../../worker/domain/cell-book.ts';
import { gridPage, gridTotals, type GridQuery } from '../../worker/domain/grid.ts';
import { emptyBudget, fullBudget, runtimeRecord, snapshot } from './snapshot.ts';

export const NOW = 1_800_000_000_000;
export const TTL_SECONDS = 60;
export const TIME = { ttlSeconds: TTL_SECONDS, now: NOW };
export const FRESH = NOW - 1000;
export const STALE = NOW - TTL_SECONDS * 1000;

export function bookOf(nodes: Iterable<LastSaid>, time = TIME): CellBook {
  const book = new CellBook();
  book.sync(nodes, () => true, time);
  return book;
}

/** As a worker sees a fleet of one shard. */
export function seen(book: CellBook): { cells: Cell[]; totals: GridTotals } {
  const { total, cells } = merged([book.report()]);
  return { cells, totals: gridTotals(total, cells.length) };
}

export function tellCells(cells: readonly Cell[], query: GridQuery = {}): GridCell[] {
  return gridPage(cells, query).cells;
}

export function gridOf(...nodes: LastSaid[]): GridCell[] {
  return tellCells(seen(bookOf(nodes)).cells);
}

let lastSeq = 0;

/** Each word is another one than those before. */
export function said(node: string, runtimes: RuntimeRecord[], receivedAt = FRESH): LastSaid {
  lastSeq += 1;
  return { snapshot: snapshot({ node, seq: lastSeq, runtimes }), receivedAt };
}

type Change = Partial<RuntimeRecord['status']> & { descriptor?: Partial<RuntimeRecord['descriptor']> };

export function record(id: string, { descriptor, ...status }: Change = {}): RuntimeRecord {
  const made = runtimeRecord({ id, state: status.state ?? 'ready' });
  return { descriptor: { ...made.descriptor, ...descriptor }, status: { ...made.status, ...status } };
}

const health = fc.record(
  {
    capacity: fc.nat(16),
    inflight_jobs: fc.nat(16),
    queued_jobs: fc.nat(16),
    request_count: fc.integer({ min: 100, max: 1000 }),
    error_count: fc.nat(100),
    predicted_tokens_per_second: fc.float({ min: 0, max: 500, noNaN: true }),
    latency_ms: fc.float({ min: 0, max: 100, noNaN: true }),
  },
  { requiredKeys: [] },
);
export const anyRuntimes = fc.array(
  fc
    .record({
      state: fc.constantFrom(...RUNTIME_STATES),
      models: fc.uniqueArray(fc.constantFrom('m1', 'm2', 'm3'), { maxLength: 3 }),
      sandbox: fc.constantFrom('none', 'bwrap'),
      accelerator: fc.constantFrom('cpu' as const, 'gpu_cuda' as const),
      draining: fc.boolean(),
      health: fc.option(health, { nil: undefined }),
      isExhausted: fc.boolean(),
    })
    .map(({ state, models, sandbox, accelerator, draining, health: told, isExhausted }) =>
      record('x', {
        state,
        severity: severityOfState(state),
        draining,
        restart_budget: isExhausted ? emptyBudget('2026-11-22T12:44:56.789Z') : fullBudget(),
        ...(told !== undefined && { health: told }),
        descriptor: { sandbox, accelerator, models: models.map((id) => ({ id, state: 'loaded' as const })) },
      }),
    ),
  { maxLength: 4 },
);
export const anyWord = fc.record({
  node: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  runtimes: anyRuntimes,
  /** Nothing where the node leaves. */
  receivedAt: fc.constantFrom(FRESH, STALE, undefined),
});
