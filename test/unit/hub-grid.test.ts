// The grid: cells and totals against a naive sum over the snapshots, in any split over shards, after any changes.

import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { GridCellSchema, GridTotalsSchema, type GridCell, type GridTotals } from '../../contract/grid.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { RUNTIME_STATES, severityOfState } from '../../contract/words.ts';
import { CellBook, merged, type Cell, type LastSaid } from '../../worker/domain/cell-book.ts';
import { gridCells, gridTotals } from '../../worker/domain/grid.ts';
import { holds } from '../support/property.ts';
import { emptyBudget, fullBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';

const NOW = 1_800_000_000_000;
const TTL_SECONDS = 60;
const TIME = { ttlSeconds: TTL_SECONDS, now: NOW };
const FRESH = NOW - 1000;
const STALE = NOW - TTL_SECONDS * 1000;

function bookOf(nodes: Iterable<LastSaid>, time = TIME): CellBook {
  const book = new CellBook();
  book.sync(nodes, () => true, time);
  return book;
}

/** As a worker sees a fleet of one shard. */
function seen(book: CellBook): { cells: Cell[]; totals: GridTotals } {
  const { total, cells } = merged([book.report()]);
  return { cells, totals: gridTotals(total, cells.length) };
}

function gridOf(...nodes: LastSaid[]): GridCell[] {
  return gridCells(seen(bookOf(nodes)).cells);
}

let lastSeq = 0;

/** Each word is another one than those before. */
function said(node: string, runtimes: RuntimeRecord[], receivedAt = FRESH): LastSaid {
  lastSeq += 1;
  return { snapshot: snapshot({ node, seq: lastSeq, runtimes }), receivedAt };
}

type Change = Partial<RuntimeRecord['status']> & { descriptor?: Partial<RuntimeRecord['descriptor']> };

function record(id: string, { descriptor, ...status }: Change = {}): RuntimeRecord {
  const made = runtimeRecord({ id, state: status.state ?? 'ready' });
  return { descriptor: { ...made.descriptor, ...descriptor }, status: { ...made.status, ...status } };
}

describe('a cell', () => {
  test('has what its runtimes add up to', () => {
    const nodes = [
      said('a', [
        record('one', {
          health: {
            capacity: 4,
            inflight_jobs: 3,
            queued_jobs: 2,
            request_count: 900,
            error_count: 9,
            predicted_tokens_per_second: 70.1,
            latency_ms: 10,
          },
        }),
      ]),
      said('b', [
        record('two', {
          health: {
            capacity: 4,
            inflight_jobs: 0,
            request_count: 100,
            error_count: 1,
            predicted_tokens_per_second: 30.2,
            latency_ms: 20,
          },
        }),
      ]),
    ];
    const [cell, ...others] = gridOf(...nodes);
    expect(others).toEqual([]);
    expect(v.is(GridCellSchema, cell)).toBe(true);
    expect(cell).toMatchObject({
      model: 'llama-3.3-70b-q4',
      hardware: 'CPU · Test',
      sandbox: 'none',
      status: { code: 'ok', label: 'Ready - Runtime telemetry nominal' },
      nodes: 2,
      runtimes: 2,
      states: { ready: 2 },
      model_states: { loaded: 2 },
      capacity: 8,
      inflight: 3,
      queued: 2,
      load_ratio: 0.375,
      predicted_tokens_per_second: 100.3,
      error_rate: 0.01,
      latency_ms: 15,
    });
    expect(cell).not.toHaveProperty('leased');
  });

  test('leaves out what nobody told, and never makes it 0', () => {
    const [cell] = gridOf(said('a', [record('silent-on-figures')]));
    for (const figure of [
      'capacity',
      'inflight',
      'queued',
      'load_ratio',
      'predicted_tokens_per_second',
      'error_rate',
      'latency_ms',
    ]) {
      expect(cell).not.toHaveProperty(figure);
    }
    const [idle] = gridOf(
      said('a', [record('idle', { health: { inflight_jobs: 0, request_count: 0, error_count: 0 } })]),
    );
    expect(idle).toMatchObject({ inflight: 0 });
    // Of no request it is not known how often requests fail.
    expect(idle).not.toHaveProperty('error_rate');
  });

  test('offers no slots of a runtime that takes no work, and none of a silent node', () => {
    const health = { capacity: 4, inflight_jobs: 1 };
    const [cell] = gridOf(
      said('a', [record('serves', { health }), record('drains', { health, draining: true })]),
      said('b', [record('down', { state: 'error', health })]),
      said('c', [record('silent', { health })], STALE),
    );
    expect(cell).toMatchObject({
      nodes: 3,
      runtimes: 4,
      states: { ready: 2, error: 1, unknown: 1 },
      silent: 1,
      draining: 1,
      capacity: 4,
      inflight: 3,
      load_ratio: 0.25,
      model_states: { loaded: 3, unknown: 1 },
    });
  });

  test('is one for each model of a router, and the runtime counts once in the totals', () => {
    const models = [
      { id: 'small', state: 'loaded' as const },
      { id: 'large', state: 'unloaded' as const },
    ];
    const { cells, totals } = seen(
      bookOf([said('a', [record('router', { descriptor: { models }, health: { capacity: 2 } })])]),
    );
    expect(
      gridCells(cells).map(({ model, capacity, model_states: states }) => [model, capacity, states]),
    ).toEqual([
      ['large', 2, { unloaded: 1 }],
      ['small', 2, { loaded: 1 }],
    ]);
    expect(totals).toMatchObject({ cells: 2, nodes: 1, runtimes: 1, capacity: 2 });
  });

  test('is there for a runtime that names neither model nor sandbox', () => {
    const plain = record('plain');
    delete plain.descriptor.models;
    delete plain.descriptor.sandbox;
    const [cell] = gridOf(said('a', [plain]));
    expect(v.is(GridCellSchema, cell)).toBe(true);
    expect(cell).toMatchObject({ hardware: 'CPU · Test', runtimes: 1, model_states: {} });
    expect(cell).not.toHaveProperty('model');
    expect(cell).not.toHaveProperty('sandbox');
  });
});

describe('the status of a cell', () => {
  const ready = record('r');
  const inError = record('e', { state: 'error' });
  const shutDown = record('s', { state: 'offline', severity: 'info' });
  const failed = record('f', { descriptor: { models: [{ id: 'llama-3.3-70b-q4', state: 'failed' }] } });

  test.each<[string, RuntimeRecord[], string]>([
    ['is ok where all serve', [ready], 'Ready - Runtime telemetry nominal'],
    ['is ok beside one that was shut down', [ready, shutDown], 'Ready - Runtime telemetry nominal'],
    ['is degraded where one of several fails', [ready, inError], 'Degraded - 1 of 2 runtimes in error'],
    [
      'is degraded while one starts',
      [record('x', { state: 'starting' })],
      'Degraded - 1 of 1 runtime starting',
    ],
    ['is an error where none serves', [inError, shutDown], 'Error - 1 of 2 runtimes in error'],
    [
      'is an error where the model is nowhere',
      [failed],
      'Error - 1 of 1 runtime without the model: it failed to load',
    ],
    ['is offline where all were shut down', [shutDown], 'Offline - 1 of 1 runtime shut down'],
  ])('%s', (_what, runtimes, label) => {
    const [cell] = gridOf(said('a', runtimes));
    expect(cell?.status.label).toBe(label);
    expect(cell?.status.aria_hint).toBe(`Runtime status ${label}. ${cell?.status.detail.join('; ')}`);
    expect(v.is(GridCellSchema, cell)).toBe(true);
  });

  test('is offline where nothing is heard of any node', () => {
    const [cell] = gridOf(said('a', [ready], STALE));
    expect(cell?.status).toMatchObject({
      code: 'offline',
      severity: 'error',
      severity_label: 'Error',
      label: 'Offline - 1 of 1 runtime silent: nothing is heard of the node',
    });
  });
});

describe('a filter', () => {
  const { cells } = merged([
    bookOf([
      said('a', [
        record('one', { descriptor: { sandbox: 'bwrap' } }),
        record('two', { descriptor: { accelerator: 'gpu_cuda' }, state: 'error' }),
      ]),
    ]).report(),
  ]);

  test.each([
    [{}, 2],
    [{ model: 'llama-3.3-70b-q4' }, 2],
    [{ model: 'other' }, 0],
    [{ hardware: 'CPU · Test' }, 1],
    [{ hardware: 'CPU' }, 1],
    [{ hardware: 'GPU (CUDA)' }, 1],
    [{ hardware: 'C' }, 0],
    [{ sandbox: 'bwrap' }, 1],
    [{ sandbox: 'bwrap', state: 'error' as const }, 0],
    [{ state: 'ready' as const }, 1],
  ])('%j shows %i cells', (filter, count) => {
    expect(gridCells(cells, filter)).toHaveLength(count);
  });
});

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
const runtimes = fc.array(
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
const step = fc.record({
  node: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  runtimes,
  /** Nothing where the node leaves. */
  receivedAt: fc.constantFrom(FRESH, STALE, undefined),
});

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
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
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
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
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
    const node = fc.record({ runtimes, receivedAt: fc.constantFrom(FRESH, STALE), shard: fc.nat(4) });
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
        expect(gridCells(together.cells)).toEqual(gridCells(merged(shards.toReversed()).cells));
        for (const cell of gridCells(together.cells)) expect(v.is(GridCellSchema, cell)).toBe(true);
      }),
      200,
    );
  });

  test('each runtime is in its cells: what serves one model adds up over them too', () => {
    holds(
      fc.property(fc.array(step, { maxLength: 10 }), (steps) => {
        const nodes = steps.map(({ runtimes: records, receivedAt }, index) =>
          said(`n${index}`, records.map(withOneModel), receivedAt ?? FRESH),
        );
        const { cells: kept, totals } = seen(bookOf(nodes));
        const cells = gridCells(kept);
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
