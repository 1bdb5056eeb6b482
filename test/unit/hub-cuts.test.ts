// The views that a shard has ready: what is large is streamed as it was when it was cut, and pages end in time.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as v from 'valibot';
import { MatrixItemSchema } from '../../contract/read-models.ts';
import type { CutQuery } from '../../worker/domain/fragment.ts';
import type { NodeView } from '../../worker/domain/view.ts';
import { Cuts } from '../../worker/objects/shard/cuts.ts';
import type { Cut } from '../../worker/objects/rpc.ts';
import { snapshot } from '../support/snapshot.ts';

const TTL_SECONDS = 60;
const PLACE = { index: 0, shards: 1 };
const FULL: CutQuery = { view: 'full', filter: {} };
const MatrixMembers = v.record(v.string(), MatrixItemSchema);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Shard {
  readonly cuts = new Cuts(TTL_SECONDS, () => undefined);
  readonly nodes = new Map<string, NodeView>();

  hear(node: string, members: object = {}): void {
    const said = { ...snapshot({ node }), ...members };
    this.nodes.set(node, { snapshot: said, receivedAt: Date.now(), uplink: 'open' });
    this.cuts.touch();
  }

  cut(query = FULL, shards = 1): Cut {
    return this.cuts.cut({ query, place: { ...PLACE, shards } }, () => [...this.nodes.values()], Date.now());
  }
}

async function items({ body }: Cut): Promise<v.InferOutput<typeof MatrixMembers>> {
  const text = await new Response(body instanceof Uint8Array ? Buffer.from(body) : body).text();
  return v.parse(MatrixMembers, JSON.parse(`{${text}}`));
}

/** A shard whose view is some 6 MiB. */
function largeShard(): Shard {
  const shard = new Shard();
  for (let index = 0; index < 60; index += 1) {
    shard.hear(`node-${String(index).padStart(2, '0')}`, {
      padding: `${index}-${'x'.repeat(100_000)}`,
      round: 1,
    });
  }
  return shard;
}

test('a small cut comes whole, a large one as a stream with the same items in the same order', async () => {
  const shard = largeShard();
  expect(shard.cut({ view: 'full', filter: { node: 'node-07' } }).body).toBeInstanceOf(Uint8Array);
  const large = shard.cut();
  expect(large.body).toBeInstanceOf(ReadableStream);
  const read = await items(large);
  expect(Object.keys(read)).toEqual([...shard.nodes.keys()]);
  expect(read['node-42']?.['padding']).toBe(`42-${'x'.repeat(100_000)}`);
});

test('with more shards each may say less before it streams: the one who joins them holds them all', () => {
  const shard = new Shard();
  for (let index = 0; index < 20; index += 1) shard.hear(`n${index}`, { padding: 'x'.repeat(100_000) });
  expect(shard.cut(FULL, 1).body).toBeInstanceOf(Uint8Array);
  expect(shard.cut(FULL, 8).body).toBeInstanceOf(ReadableStream);
});

test('what is streamed is the state at the cut, however slowly it is read and whatever is heard meanwhile', async () => {
  const shard = largeShard();
  const first = shard.cut();
  shard.hear('node-59', { round: 2 });
  vi.advanceTimersByTime(100);
  // Still within the window: the same cut.
  const second = shard.cut();
  expect(second.name).toEqual(first.name);
  vi.advanceTimersByTime(10_000);
  shard.hear('node-58', { round: 3 });
  for (const cut of [first, second]) {
    const read = await items(cut);
    expect(new Set(Object.values(read).map((item) => item['round']))).toEqual(new Set([1]));
    expect(new Set(Object.values(read).map((item) => item.age_seconds))).toEqual(new Set([0]));
  }
  const third = shard.cut();
  expect(third.name.version).toBeGreaterThan(first.name.version);
  const read = await items(third);
  expect([read['node-57'], read['node-58'], read['node-59']].map((item) => item?.['round'])).toEqual([
    1, 3, 2,
  ]);
});

test('a stream makes no more than is read', async () => {
  const shard = largeShard();
  let made = 0;
  const counted = { toJSON: () => ((made += 1), 'x'.repeat(10)) };
  for (const node of shard.nodes.keys()) shard.hear(node, { padding: 'x'.repeat(100_000), counted });
  const { body } = shard.cut();
  const sized = made;
  if (body instanceof Uint8Array) throw new Error('it is large');
  const reader = body.getReader();
  await reader.read();
  expect(made).toBe(sized);
  await reader.cancel();
  expect(made).toBeLessThan(60);
});

test('a node that is silent for long moves no view, one that has just fallen silent does every second', async () => {
  const shard = new Shard();
  shard.hear('gone');
  vi.advanceTimersByTime(3 * 3_600_000);
  shard.hear('well');
  const versions = (ms: number): number => {
    const seen = new Set<number>();
    for (let at = 0; at < ms; at += 250) {
      seen.add(shard.cut().name.version);
      vi.advanceTimersByTime(250);
    }
    return seen.size;
  };
  expect(versions(59_000)).toBe(1);
  vi.advanceTimersByTime(1000);
  expect(versions(10_000)).toBe(10);
});

test('a page ends where it would be too large, and says so', () => {
  const shard = largeShard();
  const page = shard.cut({ view: 'full', filter: {}, page: { limit: 1001 } }).page;
  expect(page?.isCutShort).toBe(true);
  expect(page?.fragments.length).toBeGreaterThan(30);
  expect(page?.fragments.length).toBeLessThan(60);
  const rest = shard.cut({ view: 'full', filter: {}, page: { after: 'node-50' } }).page;
  expect(rest).toMatchObject({ isCutShort: false });
  expect(rest?.fragments).toHaveLength(9);
});
