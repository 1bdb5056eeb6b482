// When the rows of heartbeats are written that are no news: together, soon, and never of a node that is gone.

import * as v from 'valibot';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Snapshot } from '../../contract/snapshot.ts';
import { snapshot } from '../support/snapshot.ts';

type Moment = { now: number; ttlSeconds: number };
type Nodes = {
  take(node: string, said: { snapshot: Snapshot; text: string }, way: 'post', moment: Moment): unknown;
  retake(node: string, text: string, way: 'post', moment: Moment): object | undefined;
  remove(node: string): boolean;
};
type NodesClass = new (store: object, pace: object) => Nodes;

/** What uses the platform's types cannot be imported by name: Node's type check has none of them. */
const { href } = new URL('../../worker/objects/shard/live-nodes.ts', import.meta.url);
const { LiveNodes } = v.parse(
  v.object({ LiveNodes: v.custom<NodesClass>((value) => typeof value === 'function') }),
  { ...(await import(href)) },
);

const TTL_SECONDS = 60;
const NODES = ['gpu-01', 'gpu-02', 'gpu-03'];
const START = 1_000_000;

let rows: string[];
let nodes: Nodes;

/** A heartbeat by POST. */
function beat(node: string, seq: number, now: number): void {
  const text = JSON.stringify(snapshot({ node, seq }));
  expect(nodes.retake(node, text, 'post', { now, ttlSeconds: TTL_SECONDS })).toBeDefined();
}

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  rows = [];
  const save = ({ node, body }: { node: string; body: string }): void => {
    const { seq }: Snapshot = JSON.parse(body);
    rows.push(`${node} ${seq}`);
  };
  const store = { load: () => [], save, remove: () => undefined };
  const pace = { ttlSeconds: TTL_SECONDS, retentionMs: 3_600_000, heartbeatWriteMs: 60_000 };
  nodes = new LiveNodes(store, pace);
  for (const node of NODES) {
    const first = snapshot({ node, seq: 1 });
    const said = { snapshot: first, text: JSON.stringify(first) };
    nodes.take(node, said, 'post', { now: START, ttlSeconds: TTL_SECONDS });
  }
});
afterEach(() => {
  vi.useRealTimers();
});

test('a first word is written at once, a heartbeat not before it is due', () => {
  expect(rows.splice(0)).toEqual(['gpu-01 1', 'gpu-02 1', 'gpu-03 1']);
  for (const node of NODES) beat(node, 2, START + 29_999);
  vi.advanceTimersByTime(60_000);
  expect(rows).toEqual([]);
});

test('those that are due are written at once, within a second, as they are then', () => {
  rows = [];
  for (const node of NODES) beat(node, 2, START + 30_000);
  beat('gpu-02', 3, START + 30_500);
  expect(rows).toEqual([]);
  vi.advanceTimersByTime(1000);
  expect(rows).toEqual(['gpu-01 2', 'gpu-02 3', 'gpu-03 2']);
});

test('a node that was removed meanwhile leaves no row', () => {
  rows = [];
  beat('gpu-01', 2, START + 30_000);
  beat('gpu-02', 2, START + 30_000);
  nodes.remove('gpu-01');
  vi.advanceTimersByTime(1000);
  expect(rows).toEqual(['gpu-02 2']);
});
