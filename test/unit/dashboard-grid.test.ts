// The grid of the dashboard: the same cells as the hub's, as a table, in words.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MatrixItem } from '../../contract/read-models.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { RUNTIME_STATES } from '../../contract/words.ts';
import { gridEntries, type GridEntry, type NodeWord } from '../../dashboard/view-model/grid-cells.ts';
import {
  cellPace,
  filtered,
  gridTable,
  loadWords,
  NO_MODEL,
  readyWords,
  shapeOf,
  shortModel,
  statusWord,
} from '../../dashboard/view-model/grid-table.ts';
import { CellBook, merged } from '../../worker/domain/cell-book.ts';
import { gridPage } from '../../worker/domain/grid.ts';
import { holds } from '../support/property.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const NOW = 1_800_000_000_000;
const TTL_SECONDS = 60;

function word(node: string, runtimes: RuntimeRecord[], isStale = false): NodeWord {
  const at = new Date(NOW).toISOString();
  const item: MatrixItem = {
    ...snapshot({ node, runtimes }),
    received_at: at,
    expires_at: at,
    age_seconds: 0,
    stale: isStale,
    uplink: 'open',
  };
  return { item, isStale };
}

function record(id: string, options: { model?: string; health?: RuntimeRecord['status']['health'] } = {}) {
  const made = runtimeRecord({ id, ...(options.model !== undefined && { model: options.model }) });
  return options.health === undefined
    ? made
    : { ...made, status: { ...made.status, health: options.health } };
}

const aRecord = fc
  .record({
    model: fc.constantFrom('a', 'b', undefined),
    state: fc.constantFrom(...RUNTIME_STATES),
    sandbox: fc.constantFrom('none', 'bwrap', undefined),
    capacity: fc.option(fc.nat(8), { nil: undefined }),
    inflight: fc.option(fc.nat(8), { nil: undefined }),
    pace: fc.option(fc.nat(200), { nil: undefined }),
    draining: fc.boolean(),
  })
  .map(({ model, state, sandbox, capacity, inflight, pace, draining }): RuntimeRecord => {
    const { descriptor, status } = runtimeRecord({ state });
    const { models, sandbox: _, ...rest } = descriptor;
    return {
      descriptor: {
        ...rest,
        ...(model !== undefined && { models: models?.map((one) => ({ ...one, id: model })) ?? [] }),
        ...(sandbox !== undefined && { sandbox }),
      },
      status: {
        ...status,
        health: {
          ...(capacity !== undefined && { capacity }),
          ...(inflight !== undefined && { inflight_jobs: inflight }),
          ...(pace !== undefined && { predicted_tokens_per_second: pace }),
        },
        ...(draining && { draining }),
      },
    };
  });

describe('cells', () => {
  test('are the cells that the hub tells, whatever its nodes say', () => {
    const node = fc.record({ runtimes: fc.array(aRecord, { maxLength: 4 }), isStale: fc.boolean() });
    holds(
      fc.property(fc.array(node, { maxLength: 5 }), (nodes) => {
        const words = nodes.map(({ runtimes, isStale }, index) => {
          const named = runtimes.map((one, at) => ({
            descriptor: { ...one.descriptor, id: `r${at}` },
            status: { ...one.status, id: `r${at}` },
          }));
          return word(`node-${index}`, named, isStale);
        });
        const book = new CellBook();
        const said = words.map(({ item, isStale }) => ({
          snapshot: { ...item, runtimes: item.runtimes ?? [] },
          receivedAt: isStale ? NOW - TTL_SECONDS * 1000 : NOW,
        }));
        book.sync(said, () => true, { ttlSeconds: TTL_SECONDS, now: NOW });
        expect(gridEntries(words).map(({ cell }) => cell)).toEqual(
          gridPage(merged([book.report()]).cells, {}).cells,
        );
      }),
      200,
    );
  });

  test('name the runtimes that are in them', () => {
    const entries = gridEntries([
      word('gpu-01', [record('x', { model: 'a' }), record('y', { model: 'a' })]),
      word('gpu-02', [record('x', { model: 'a' })], true),
    ]);
    expect(entries).toHaveLength(1);
    expect(
      entries[0]?.runtimes.map(({ node, record: { descriptor }, isStale }) => [node, descriptor.id, isStale]),
    ).toEqual([
      ['gpu-01', 'x', false],
      ['gpu-01', 'y', false],
      ['gpu-02', 'x', true],
    ]);
  });
});

describe('the table', () => {
  const [unnamed] = [record('z')];
  const { models: _, ...descriptor } = unnamed?.descriptor ?? record('z').descriptor;
  const entries = gridEntries([
    word('gpu-01', [record('x', { model: '/models/beta.gguf' }), { descriptor, status: record('z').status }]),
    word('gpu-02', [record('x', { model: 'alpha' })]),
  ]);

  test('has a row for each model, the one without a name last', () => {
    const { rows, hardware } = gridTable(entries);
    expect(rows.map(({ label }) => label)).toEqual(['alpha', 'beta', NO_MODEL]);
    expect(hardware).toHaveLength(1);
    expect(rows.map(({ fields }) => fields.map((field) => field.length))).toEqual([[1], [1], [1]]);
  });

  test('shows what has every word of the filter in a name', () => {
    expect(filtered(entries, { query: 'ALPHA gpu-02', show: '' })).toHaveLength(1);
    expect(filtered(entries, { query: 'alpha gpu-01', show: '' })).toHaveLength(0);
    expect(filtered(entries, { query: '', show: '' })).toHaveLength(3);
    expect(filtered(entries, { query: '', show: 'attention' })).toHaveLength(0);
  });
});

function cellOf(health?: RuntimeRecord['status']['health']): GridEntry {
  const [entry] = gridEntries([word('n', [record('x', health === undefined ? {} : { health })])]);
  if (entry === undefined) throw new Error('a runtime is in a cell');
  return entry;
}

describe('words', () => {
  test('say unknown for what nobody told, and never 0', () => {
    expect(loadWords(cellOf().cell)).toBe('load unknown');
    expect(cellPace(cellOf().cell)).toBe('pace unknown');
  });

  test('tell busy slots, the queue and the pace', () => {
    const health = { capacity: 4, inflight_jobs: 1, queued_jobs: 2, predicted_tokens_per_second: 71.34 };
    const entry = cellOf(health);
    expect(loadWords(entry.cell)).toBe('1 of 4 slots busy, 2 queued');
    expect(cellPace(entry.cell)).toBe('71 tok/s');
    expect(statusWord(entry.cell)).toBe('Ready');
    expect(shapeOf(entry.cell)).toBe('ready');
    expect(readyWords(entry.cell)).toBe('1 of 1 ready');
  });

  test.each([
    ['/models/qwen2.5.gguf', 'qwen2.5'],
    ['llama', 'llama'],
    ['org/model', 'model'],
    ['/.gguf', '/.gguf'],
  ])('the model %s is called %s', (model, label) => expect(shortModel(model)).toBe(label));
});
