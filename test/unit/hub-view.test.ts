// The read models of one node, and which nodes and runtimes a filter shows.

import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { MatrixItemSchema, SupervisorRecordSchema } from '../../contract/read-models.ts';
import { RUNTIME_STATES } from '../../contract/words.ts';
import { fragmentsOf, shownNodes, type CutQuery, type Fragment } from '../../worker/domain/fragment.ts';
import { itemText, recordTexts } from '../../worker/domain/ready-text.ts';
import { matrixItem, supervisorRecords, type NodeView } from '../../worker/domain/view.ts';
import { holds } from '../support/property.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');
const FRESH = { ttlSeconds: 60, now: NOW + 1000 };
const STALE = { ttlSeconds: 60, now: NOW + 75_000 };

function view(options: Parameters<typeof snapshot>[0] = {}): NodeView {
  return { snapshot: snapshot(options), receivedAt: NOW, uplink: 'open' };
}

describe('an item of the matrix', () => {
  test('is the snapshot with its freshness', () => {
    const item = matrixItem(view(), FRESH, false);
    expect(v.is(MatrixItemSchema, item)).toBe(true);
    expect(item).toMatchObject({ ...snapshot(), stale: false, age_seconds: 1, uplink: 'open' });
    expect(item).not.toHaveProperty('last_status');
  });

  test('is overlaid when stale, and keeps the snapshot under the overlay', () => {
    const item = matrixItem(view(), STALE, false);
    expect(v.is(MatrixItemSchema, item)).toBe(true);
    expect(item.status.label).toBe('Offline - No heartbeat for 75 s');
    expect(item.last_status).toEqual(snapshot().status);
    expect(item.runtimes).toEqual(snapshot().runtimes);
  });

  test('takes no freshness from the node itself', () => {
    const lying = view();
    Object.assign(lying.snapshot, {
      stale: true,
      received_at: '2000-01-01T00:00:00.000Z',
      last_status: 'x',
    });
    const item = matrixItem(lying, FRESH, false);
    expect(item).toMatchObject({ stale: false, received_at: '2026-11-22T12:00:00.000Z' });
    expect(item).not.toHaveProperty('last_status');
  });

  test('is without its lists in a summary', () => {
    const item = matrixItem(view(), FRESH, true);
    expect(item).not.toHaveProperty('runtimes');
    expect(item).not.toHaveProperty('accelerators');
    expect(item.runtime.total).toBe(1);
  });
});

describe('a record of the supervisor view', () => {
  test('names its node', () => {
    const [record] = supervisorRecords(view(), FRESH);
    expect(v.is(SupervisorRecordSchema, record)).toBe(true);
    expect(record).toEqual({ ...runtimeRecord(), node: 'gpu-01', stale: false });
  });

  test('is unknown where its node is stale, with what was last said beside', () => {
    const [record] = supervisorRecords(view(), STALE);
    expect(v.is(SupervisorRecordSchema, record)).toBe(true);
    expect(record?.status).toMatchObject({
      state: 'unknown',
      severity: 'warn',
      summary: 'No heartbeat for 75 s (last known: Ready)',
      updated_at: '2026-11-22T12:01:00.000Z',
    });
    expect(record?.last_status).toEqual(runtimeRecord().status);
  });
});

describe('fragments', () => {
  const nodes = [
    view({
      node: 'b',
      runtimes: [runtimeRecord({ id: 'x', state: 'error' }), runtimeRecord({ id: 'y', model: 'm2' })],
    }),
    view({ node: 'c', runtimes: [] }),
    view({ node: 'a' }),
  ];
  const fragments = (query: CutQuery, time = FRESH): Fragment[] => [
    ...fragmentsOf(shownNodes(nodes, query, time), query, time),
  ];
  const shown = (query: CutQuery, time = FRESH): string[] => fragments(query, time).map(({ node }) => node);

  test('are members of the matrix in the order of the names', () => {
    const texts = fragments({ view: 'full', filter: {} }).map(({ text }) => text);
    expect(Object.keys(v.parse(v.looseObject({}), JSON.parse(`{${texts.join(',')}}`)))).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  test('are filtered', () => {
    expect(shown({ view: 'full', filter: { node: 'a' } })).toEqual(['a']);
    expect(shown({ view: 'full', filter: { state: 'error' } })).toEqual(['b']);
    expect(shown({ view: 'full', filter: { model: 'm2' } })).toEqual(['b']);
    expect(shown({ view: 'full', filter: { accelerator: 'gpu_cuda' } })).toEqual([]);
    expect(shown({ view: 'full', filter: { stale: true } })).toEqual([]);
  });

  test('count a stale runtime as unknown, whatever was last said', () => {
    expect(shown({ view: 'full', filter: { state: 'ready' } }, STALE)).toEqual([]);
    expect(shown({ view: 'full', filter: { state: 'unknown' } }, STALE)).toEqual(['a', 'b']);
  });

  test('of the supervisor view hold only the runtimes that are looked for', () => {
    const [fragment] = fragments({ view: 'supervisor', filter: { state: 'error' } });
    const records = v.parse(v.array(SupervisorRecordSchema), JSON.parse(`[${fragment?.text}]`));
    expect(records.map(({ descriptor }) => descriptor.id)).toEqual(['x']);
  });

  test('are paged after a name', () => {
    expect(shown({ view: 'full', filter: {}, page: { limit: 1 } })).toEqual(['a']);
    expect(shown({ view: 'full', filter: {}, page: { limit: 5, after: 'a' } })).toEqual(['b', 'c']);
  });
});

describe('the ready text of a node', () => {
  const AGES = fc.integer({ min: 0, max: 200_000 });
  /** A node may send any member, those of the hub included. */
  const EXTRAS = fc.dictionary(
    fc.constantFrom('stale', 'last_status', 'uplink', 'note', 'age_seconds'),
    fc.jsonValue(),
  );
  const STATES = fc.array(fc.constantFrom(...RUNTIME_STATES), { maxLength: 3 });

  test('says what the item and the records say, at every age and however often it was made before', () => {
    holds(
      fc.property(EXTRAS, STATES, fc.array(AGES, { minLength: 1, maxLength: 4 }), (extras, states, ages) => {
        const node = view({
          runtimes: states.map((state, index) => runtimeRecord({ id: `r${index}`, state })),
        });
        Object.assign(node.snapshot, extras);
        for (const age of ages) {
          const time = { ttlSeconds: 60, now: NOW + age };
          for (const summary of [false, true]) {
            const item = JSON.stringify(matrixItem(node, time, summary));
            expect(JSON.parse(`{${itemText(node, time, summary)}}`)).toEqual({ 'gpu-01': JSON.parse(item) });
          }
          const records = JSON.stringify(supervisorRecords(node, time));
          expect(JSON.parse(`[${recordTexts(node, time).join(',')}]`)).toEqual(JSON.parse(records));
        }
      }),
      200,
    );
  });

  test('names no member twice', () => {
    const node = view();
    Object.assign(node.snapshot, { stale: true, uplink: 'x', last_status: 1 });
    for (const time of [FRESH, STALE]) {
      const text = itemText(node, time, true);
      for (const name of ['stale', 'uplink', 'status', 'last_status', 'received_at']) {
        expect(text.split(`"${name}":`).length).toBeLessThanOrEqual(2);
      }
    }
  });

  test('is made once for an accepted snapshot, whatever the clock says', () => {
    const node = view();
    let made = 0;
    const counted = { toJSON: () => ((made += 1), 'x') };
    Object.assign(node.snapshot, { counted });
    for (let age = 0; age < 50_000; age += 1000) {
      const text = itemText(node, { ttlSeconds: 60, now: NOW + age }, false);
      expect(text).toContain(`"age_seconds":${age / 1000},`);
    }
    expect(made).toBe(1);
    for (let age = 60_000; age < 90_000; age += 1000) {
      itemText(node, { ttlSeconds: 60, now: NOW + age }, false);
    }
    // Once more, without the status that is no longer true.
    expect(made).toBe(2);
  });
});
