// What cells and totals add up to, against a naive sum over the snapshots: in any split over shards, after any changes.

import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { GridCellSchema, GridTotalsSchema } from '../../contract/grid.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { CellBook, merged, type LastSaid } from '../../worker/domain/cell-book.ts';
import {
  anyRuntimes,
  anyWord,
  bookOf,
  FRESH,
  record,
  said,
  seen,
  STALE,
  tellCells,
  TIME,
} from '../support/cells.ts';
import { holds } from '../support/property.ts';
import { snapshot } from '../support/snapshot.ts';

function sum(values: (number | undefined)[]): number | undefined {
  const told = values.filter((value) => value !== undefined);
  return told.length === 0 ? undefined : told.reduce((all, value) => all + value, 0);
}

/** The totals as somebody would add them up who has all the snapshots before them. */
function naiveTotals(nodes: LastSaid[]): Record<string, unknown> {
  const all = nodes.flatMap(({ snapshot: { runtimes: records }, receivedAt }) =>
    records.map((said_) => ({ ...said_.status, isStale: receivedAt === STALE })),
  );
  const live = all.filter(({ isStale }) => !isStale);
  const serving = live.filter(
    ({ state, draining }) => (state === 'ready' || state === 'degraded') && !draining,
  );
  const states: Record<string, number> = {};
  for (const { state, isStale } of all) {
    const shown = isStale ? 'unknown' : state;
    states[shown] = (states[shown] ?? 0) + 1;
  }
  return {
    nodes: nodes.length,
    stale_nodes: nodes.filter(({ receivedAt }) => receivedAt === STALE).length,
    runtimes: all.length,
    states,
    silent: all.length - live.length,
    draining: live.filter(({ draining }) => draining).length,
    capacity: sum(serving.map(({ health: told }) => told?.capacity)),
    inflight: sum(live.map(({ health: told }) => told?.inflight_jobs)),
    queued: sum(live.map(({ health: told }) => told?.queued_jobs)),
    restarts_max: sum(live.map(({ restart_budget: budget }) => budget?.max_restarts)),
    restarts_remaining: sum(live.map(({ restart_budget: budget }) => budget?.remaining)),
    restarts_exhausted:
      live.length === 0
        ? undefined
        : live.filter(({ restart_budget: budget }) => budget?.remaining === 0).length,
  };
}

describe('whatever happens to the nodes', () => {
  test('the totals are the sum over the snapshots, at every moment', () => {
    holds(
      fc.property(fc.array(anyWord, { maxLength: 20 }), (steps) => {
        const nodes = new Map<string, LastSaid>();
        const book = new CellBook();
        for (const { node, runtimes: records, receivedAt } of steps) {
          if (receivedAt === undefined) nodes.delete(node);
          else nodes.set(node, said(node, records, receivedAt));
          book.sync(nodes.values(), () => true, TIME);
          const { totals } = seen(book);
          const naive = naiveTotals([...nodes.values()]);
          expect(v.is(GridTotalsSchema, totals)).toBe(true);
          for (const [name, value] of Object.entries(naive))
            expect([name, totals[name]]).toEqual([name, value]);
        }
      }),
      200,
    );
  });

  test('a book that was kept up equals one that is begun anew', () => {
    holds(
      fc.property(fc.array(anyWord, { maxLength: 30 }), (steps) => {
        const nodes = new Map<string, LastSaid>();
        const kept = new CellBook();
        for (const { node, runtimes: records, receivedAt } of steps) {
          if (receivedAt === undefined) nodes.delete(node);
          else nodes.set(node, said(node, records, receivedAt));
          kept.sync(nodes.values(), () => true, TIME);
        }
        expect(JSON.stringify(kept.report())).toBe(JSON.stringify(bookOf(nodes.values()).report()));
      }),
      200,
    );
  });

  test('shards in any split give the grid of one', () => {
    const node = fc.record({
      runtimes: anyRuntimes,
      receivedAt: fc.constantFrom(FRESH, STALE),
      shard: fc.nat(4),
    });
    holds(
      fc.property(fc.array(node, { maxLength: 12 }), (given) => {
        const nodes = given.map(({ runtimes: records, receivedAt, shard }, index) => ({
          shard,
          ...said(`n${index}`, records, receivedAt),
        }));
        const shards = [0, 1, 2, 3, 4].map((index) =>
          bookOf(nodes.filter(({ shard }) => shard === index)).report(),
        );
        const together = merged(shards);
        expect(together).toEqual(merged([bookOf(nodes).report()]));
        expect(tellCells(together.cells)).toEqual(tellCells(merged(shards.toReversed()).cells));
        for (const cell of tellCells(together.cells)) expect(v.is(GridCellSchema, cell)).toBe(true);
      }),
      200,
    );
  });

  test('each runtime is in its cells: what serves one model adds up over them too', () => {
    holds(
      fc.property(fc.array(anyWord, { maxLength: 10 }), (steps) => {
        const nodes = steps.map(({ runtimes: records, receivedAt }, index) =>
          said(`n${index}`, records.map(withOneModel), receivedAt ?? FRESH),
        );
        const { cells: kept, totals } = seen(bookOf(nodes));
        const cells = tellCells(kept);
        for (const name of ['runtimes', 'silent', 'draining'] as const) {
          expect([name, cells.reduce((all, cell) => all + cell[name], 0)]).toEqual([name, totals[name]]);
        }
        for (const name of ['capacity', 'inflight', 'queued'] as const) {
          expect([name, sum(cells.map((cell) => cell[name]))]).toEqual([name, totals[name]]);
        }
      }),
      100,
    );
  });
});

function withOneModel({ descriptor, status }: RuntimeRecord): RuntimeRecord {
  return { descriptor: { ...descriptor, models: (descriptor.models ?? []).slice(0, 1) }, status };
}

test('figures that no host can mean stay harmless, and leave no trace when the node goes', () => {
  const absurd: Snapshot = snapshot({
    node: 'absurd',
    runtimes: [
      record('x', {
        health: { capacity: 1e300, request_count: 1e300, error_count: 1e300, latency_ms: 1e300 },
      }),
    ],
  });
  const honest = said('honest', [record('y', { health: { capacity: 3 } })]);
  const book = bookOf([honest, { snapshot: absurd, receivedAt: FRESH }]);
  expect(Number.isSafeInteger(seen(book).totals.capacity)).toBe(true);
  book.sync([honest], () => true, TIME);
  expect(book.report()).toEqual(bookOf([honest]).report());
});

test('nodes that live in another shard do not count', () => {
  const book = new CellBook();
  const nodes = [said('here', [record('x')]), said('moved', [record('y')])];
  book.sync(nodes, (node) => node === 'here', TIME);
  expect(seen(book).totals).toMatchObject({ nodes: 1, runtimes: 1 });
});

test('a book is at another revision only where a sum may be another', () => {
  const book = new CellBook();
  const busy = { capacity: 4, inflight_jobs: 1 };
  const say = (...records: RuntimeRecord[]): number => {
    book.sync([said('a', records)], () => true, TIME);
    return book.revision;
  };
  const first = say(record('x', { health: busy }));
  expect(say(record('x', { health: busy }))).toBe(first);
  const second = say(record('x', { health: { ...busy, inflight_jobs: 2 } }));
  expect(second).not.toBe(first);
  const third = say(record('x', { health: { ...busy, inflight_jobs: 2 }, descriptor: { sandbox: 'bwrap' } }));
  expect(third).not.toBe(second);
});
