// What Fleet asks its database with each enrolment, and each time it arms its alarm, must look at no more than what
// waits: where it looks at the whole fleet, enrolling one takes work that grows with its square.

import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import * as v from 'valibot';
import { expect, test } from 'vitest';

type Store = {
  addNode(node: { node: string; commandKey: string; home: number }, now: number): void;
  setTokens(node: string, tokens: { hash: string; until: number | null }[]): void;
  untold(): { node: string; untold: number }[];
  untoldOf(node: string): number;
  hasUntold(): boolean;
  markTold(node: string, untold: number): void;
  firstExpiry(): number | undefined;
  removeExpired(now: number): void;
};
type StoreClass = new (storage: object) => Store;

/** What uses the platform's types cannot be imported by name: Node's type check has none of them. */
const { href } = new URL('../../worker/objects/store/fleet-store.ts', import.meta.url);
const { FleetStore } = v.parse(
  v.object({ FleetStore: v.custom<StoreClass>((value) => typeof value === 'function') }),
  { ...(await import(href)) },
);

/** A store over a database of Node, and how its statements went about their work. */
function opened(): { store: Store; plan: (work: (store: Store) => unknown) => string[] } {
  const database = new DatabaseSync(':memory:');
  const steps: string[] = [];
  const exec = (query: string, ...values: SQLInputValue[]): object => {
    if (/^\s*(CREATE|ALTER)/.test(query)) {
      database.exec(query);
      return { toArray: () => [] };
    }
    for (const { detail } of database.prepare(`EXPLAIN QUERY PLAN ${query}`).all(...values))
      steps.push(String(detail));
    const rows = database.prepare(query).all(...values);
    return { toArray: () => rows, one: () => rows[0] };
  };
  const store = new FleetStore({ sql: { exec }, transactionSync: (work: () => unknown) => work() });
  return {
    store,
    plan: (work) => {
      steps.length = 0;
      work(store);
      return [...steps];
    },
  };
}

test.each<[string, (store: Store) => unknown]>([
  ['whether something waits', (store) => store.hasUntold()],
  ['what waits', (store) => store.untold()],
  ['what waits of one node', (store) => store.untoldOf('gpu-01')],
  ['that a node was told', (store) => store.markTold('gpu-01', 1)],
  ['when the next token ends', (store) => store.firstExpiry()],
  ['that tokens have ended', (store) => store.removeExpired(1000)],
])('Fleet asks for, or notes, %s without a look at every node', (_what, work) => {
  const steps = opened().plan(work);
  expect(steps).not.toEqual([]);
  // Such a step names its index, which holds only what waits.
  expect(steps.filter((step) => /^SCAN (nodes|node_tokens)$/.test(step))).toEqual([]);
});

test('what waits of a node is what its shard has not confirmed', () => {
  const { store } = opened();
  expect([store.hasUntold(), store.untoldOf('gpu-01')]).toEqual([false, 0]);
  store.addNode({ node: 'gpu-01', commandKey: 'key', home: 0 }, 1000);
  store.setTokens('gpu-01', [{ hash: 'a', until: null }]);
  store.setTokens('gpu-01', [
    { hash: 'a', until: 5000 },
    { hash: 'b', until: null },
  ]);
  expect([store.hasUntold(), store.untoldOf('gpu-01'), store.firstExpiry()]).toEqual([true, 2, 5000]);
  store.markTold('gpu-01', 1);
  expect([store.hasUntold(), store.untoldOf('gpu-01')]).toEqual([true, 2]);
  store.markTold('gpu-01', 2);
  expect([store.hasUntold(), store.untoldOf('gpu-01')]).toEqual([false, 0]);
  store.removeExpired(5000);
  expect(store.firstExpiry()).toBeUndefined();
});
