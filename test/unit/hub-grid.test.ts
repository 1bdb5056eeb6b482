// The grid: what a cell has of its runtimes, how it fares, and which cells a filter and a page show.

import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { GridCellSchema } from '../../contract/grid.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { merged } from '../../worker/domain/cell-book.ts';
import { gridPage, GridQuerySchema } from '../../worker/domain/grid.ts';
import { bookOf, gridOf, record, said, seen, STALE, tellCells } from '../support/cells.ts';

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
      tellCells(cells).map(({ model, capacity, model_states: states }) => [model, capacity, states]),
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
    expect(tellCells(cells, filter)).toHaveLength(count);
  });
});

describe('pages', () => {
  const { cells } = merged([
    bookOf([
      said('a', [
        ...['m1', 'm2', 'm"3', 'm/4?&'].map((id) =>
          record(id, { descriptor: { models: [{ id, state: 'loaded' }] } }),
        ),
        record('named', { descriptor: { models: [], sandbox: 'bwrap' } }),
      ]),
    ]).report(),
  ]);

  test.each([1, 2, 3, 5, 100])('of %i are all cells once and in order, by way of the URL', (limit) => {
    const shown: unknown[] = [];
    let query: Record<string, string> | undefined = { limit: String(limit) };
    while (query !== undefined) {
      const page = gridPage(cells, v.parse(GridQuerySchema, query));
      expect(page.cells.length).toBeLessThanOrEqual(limit);
      shown.push(...page.cells);
      const asked = new URLSearchParams({ limit: String(limit), cursor: page.next ?? '' });
      query = page.next === undefined ? undefined : Object.fromEntries(asked);
    }
    expect(shown).toEqual(tellCells(cells));
  });

  test('go on where the one before ended, whatever has come or gone since', () => {
    const first = gridPage(cells, { limit: 2 });
    const left = cells.filter(({ name }) => name.model !== first.cells[1]?.model);
    const second = gridPage(left, { limit: 10, ...(first.next !== undefined && { cursor: first.next }) });
    expect(second.cells).toEqual(tellCells(cells).slice(2));
    expect(second.next).toBeUndefined();
  });

  test.each(['', 'x', '["a"]', '[1,"CPU",null]', '["a","b","c","d"]'])('%j is no cursor', (cursor) => {
    expect(v.is(GridQuerySchema, { cursor })).toBe(false);
  });
});
