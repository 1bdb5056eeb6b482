// Whoever loads a read model and follows its patches has what a reload has, whatever happens and whatever gets lost.

import * as fc from 'fast-check';
import * as v from 'valibot';
import { applyPatch } from 'rfc6902';
import { describe, expect, test } from 'vitest';
import { MatrixSchema, SupervisorSchema, type Matrix, type Supervisor } from '../../contract/read-models.ts';
import { RUNTIME_STATES } from '../../contract/words.ts';
import { fragmentsOf } from '../../worker/domain/fragment.ts';
import { shardOf } from '../../worker/domain/shard-of.ts';
import { supervisorRecords, matrixItem, type NodeView } from '../../worker/domain/view.ts';
import { diff } from '../../worker/json-patch.ts';
import { Mirror } from '../../worker/objects/shard/mirror.ts';
import { follow, timeless, type PatchPayload } from '../support/patched-model.ts';
import { holds } from '../support/property.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const START = Date.parse('2026-11-22T12:00:00.000Z');
const TTL_SECONDS = 60;
const MODELS = ['runtime_matrix', 'runtime_supervisor'] as const;
type Model = (typeof MODELS)[number];

/** Without the one word that the library of this test's client drops from what it is given. */
const json = fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes('__proto__'));

describe('a difference', () => {
  test('turns any value into any other, by its path', () => {
    holds(
      fc.property(json, json, (before, after) => {
        const holder: unknown = { at: structuredClone(before) };
        const failures = applyPatch(holder, diff(before, after, '/at'));
        expect(failures.every((failure) => failure === null)).toBe(true);
        expect(JSON.stringify(sorted(holder))).toBe(JSON.stringify(sorted({ at: after })));
      }),
      500,
    );
  });

  test('of a heartbeat is as small as what has changed', () => {
    const before = snapshot({
      seq: 1,
      runtimes: Array.from({ length: 20 }, (_, n) => runtimeRecord({ id: `r${n}` })),
    });
    const after = structuredClone(before);
    after.seq = 2;
    const last = after.runtimes[19];
    if (last !== undefined) last.status.summary = 'Busy';
    expect(diff(before, after, '/items/n')).toEqual([
      { op: 'replace', path: '/items/n/seq', value: 2 },
      { op: 'replace', path: '/items/n/runtimes/19/status/summary', value: 'Busy' },
    ]);
  });

  test('names no path that could reach into a prototype', () => {
    const after: unknown = JSON.parse('{"a":{"b":1,"__proto__":{"x":1}}}');
    expect(diff({ a: { b: 1 } }, after, '/items/n')).toEqual([
      { op: 'replace', path: '/items/n/a', value: Object(after).a },
    ]);
  });

  test('of long lists that grew is not searched for', () => {
    const before = Array.from({ length: 60 }, (_, n) => ({ n }));
    const after = [{ n: -1 }, ...before];
    expect(diff(before, after, '/x')).toEqual([{ op: 'replace', path: '/x', value: after }]);
  });
});

type Shard = { mirror: Mirror; nodes: Map<string, NodeView>; versions: Record<Model, number> };

/** A fleet of some shards: what their nodes said, what is patched, and what a reader would load now. */
class World {
  now = START;
  readonly #shards: Shard[];

  constructor(shards: number) {
    this.#shards = Array.from({ length: shards }, () => {
      const mirror = new Mirror(TTL_SECONDS);
      mirror.advance([], START);
      return { mirror, nodes: new Map(), versions: { runtime_matrix: 1, runtime_supervisor: 1 } };
    });
  }

  say(said: NodeView): void {
    this.#of(said.snapshot.target).nodes.set(said.snapshot.target, said);
  }

  remove(node: string): void {
    this.#of(node).nodes.delete(node);
  }

  view(node: string): NodeView | undefined {
    return this.#of(node).nodes.get(node);
  }

  /** What a shard tells when it looks. */
  look(index: number): PatchPayload[] {
    const shard = this.#shards[index % this.#shards.length];
    if (shard === undefined) throw new Error('no shard');
    const patches = shard.mirror.advance([...shard.nodes.values()], this.now);
    return MODELS.flatMap((id) => {
      const patch = patches[id];
      if (patch.length === 0) return [];
      const base = shard.versions[id];
      shard.versions[id] += 1;
      const told = { id, shard: String(index % this.#shards.length), base, version: base + 1, patch };
      // What crosses a wire is a copy.
      return [JSON.parse(JSON.stringify(told))];
    });
  }

  load(id: Model): Matrix | Supervisor {
    const time = { ttlSeconds: TTL_SECONDS, now: this.now };
    const query = { view: id === 'runtime_matrix' ? ('full' as const) : ('supervisor' as const), filter: {} };
    const texts = this.#shards.map(({ mirror }) =>
      [...fragmentsOf(mirror.views, query, { ...time, now: mirror.at })].map(({ text }) => text).join(','),
    );
    const all = texts.filter((text) => text !== '').join(',');
    const versions = Object.fromEntries(
      this.#shards.map((shard, index) => [String(index), shard.versions[id]]),
    );
    const updated = new Date(this.now).toISOString();
    if (id === 'runtime_matrix') {
      return { items: JSON.parse(`{${all}}`), ttl_seconds: TTL_SECONDS, updated, version: 1, versions };
    }
    const counts = Object.fromEntries(
      this.#shards.map(({ mirror }, index) => [String(index), mirror.recordCount]),
    );
    return { updated_at: updated, versions, counts, runtimes: JSON.parse(`[${all}]`) };
  }

  #of(node: string): Shard {
    const shard = this.#shards[shardOf(node, this.#shards.length)];
    if (shard === undefined) throw new Error('no shard');
    return shard;
  }
}

const NODES = ['a', 'b', 'c', 'gpu-01', 'gpu-02', 'gpu-03'];
const runtimes = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom('r1', 'r2', 'r3'),
    state: fc.constantFrom(...RUNTIME_STATES),
    model: fc.constantFrom('m1', 'm2'),
  }),
  { selector: ({ id }) => id, maxLength: 3 },
);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('say' as const), node: fc.constantFrom(...NODES), runtimes }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('beat' as const), node: fc.constantFrom(...NODES) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('remove' as const), node: fc.constantFrom(...NODES) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('close' as const), node: fc.constantFrom(...NODES) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('look' as const), shard: fc.nat(2), isLost: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('hear' as const), count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('load' as const) }) },
);

/** Loads once, then follows; what it has not heard yet waits in the order in which it was told. */
class Client {
  reloads = 0;
  readonly #world: World;
  readonly #id: Model;
  #has: Matrix | Supervisor;
  #coming: PatchPayload[] = [];

  constructor(world: World, id: Model) {
    this.#world = world;
    this.#id = id;
    this.#has = world.load(id);
  }

  tell(patches: readonly PatchPayload[]): void {
    this.#coming.push(...patches.filter(({ id }) => id === this.#id));
  }

  load(): void {
    this.#has = this.#world.load(this.#id);
  }

  hear(count: number): void {
    for (const patch of this.#coming.splice(0, count)) {
      if (follow(this.#has, patch) !== 'reload') continue;
      this.reloads += 1;
      this.load();
    }
  }

  /** What it has beside what a reload has. */
  compared(): { id: Model; has: Matrix | Supervisor; now: Matrix | Supervisor } {
    return { id: this.#id, has: this.#has, now: this.#world.load(this.#id) };
  }
}

/** Wherever the versions are the same, everything is; and it is a read model at any moment. */
function check(client: Client): void {
  const { id, has, now } = client.compared();
  const isBehind = JSON.stringify(now.versions) !== JSON.stringify(has.versions);
  expect(isBehind || timeless(has)).toEqual(isBehind || timeless(now));
  expect(v.is(id === 'runtime_matrix' ? MatrixSchema : SupervisorSchema, has)).toBe(true);
}

test('a client that loads and follows has what a client has that loads again, under churn and loss', () => {
  let seq = 0;
  holds(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 60 }), (shards, steps) => {
      const world = new World(shards);
      const clients = MODELS.map((id) => new Client(world, id));
      for (const now of steps) {
        const before = 'node' in now ? world.view(now.node) : undefined;
        switch (now.type) {
          case 'say':
            seq += 1;
            world.say({
              snapshot: snapshot({ node: now.node, seq, runtimes: now.runtimes.map(runtimeRecord) }),
              receivedAt: world.now,
              uplink: 'open',
            });
            break;
          case 'beat':
            seq += 1;
            if (before)
              world.say({ ...before, snapshot: { ...before.snapshot, seq }, receivedAt: world.now });
            break;
          case 'remove':
            world.remove(now.node);
            break;
          case 'close':
            if (before) world.say({ ...before, uplink: 'closed' });
            break;
          case 'pass':
            world.now += now.ms;
            break;
          case 'look': {
            const told = world.look(now.shard);
            if (!now.isLost) for (const client of clients) client.tell(told);
            break;
          }
          case 'hear':
            for (const client of clients) client.hear(now.count);
            break;
          case 'load':
            for (const client of clients) client.load();
            break;
          default:
            now satisfies never;
        }
        for (const client of clients) check(client);
      }
      // Every shard has something to tell once more: whoever missed a patch notices now.
      for (const node of NODES) {
        seq += 1;
        world.now += 1;
        world.say({ snapshot: snapshot({ node, seq }), receivedAt: world.now, uplink: 'open' });
      }
      for (let index = 0; index < shards; index += 1) {
        const told = world.look(index);
        for (const client of clients) client.tell(told);
      }
      for (const client of clients) {
        client.hear(Number.POSITIVE_INFINITY);
        const { has, now } = client.compared();
        expect(has.versions).toEqual(now.versions);
        expect(timeless(has)).toEqual(timeless(now));
      }
    }),
    150,
  );
});

function view(node: string, receivedAt = START): NodeView {
  return { snapshot: snapshot({ node }), receivedAt, uplink: 'open' };
}

describe('a mirror', () => {
  test('holds what a read holds', () => {
    const mirror = new Mirror(TTL_SECONDS);
    const patches = mirror.advance([view('b'), view('a')], START + 500);
    const time = { ttlSeconds: TTL_SECONDS, now: START + 500 };
    expect(patches.runtime_matrix).toEqual([
      { op: 'add', path: '/items/a', value: matrixItem(view('a'), time, false) },
      { op: 'add', path: '/items/b', value: matrixItem(view('b'), time, false) },
    ]);
    expect(patches.runtime_supervisor).toEqual([
      { op: 'add', path: '/runtimes/0', value: supervisorRecords(view('a'), time)[0] },
      { op: 'add', path: '/runtimes/1', value: supervisorRecords(view('b'), time)[0] },
    ]);
  });

  test('tells nothing where nothing changed but ages', () => {
    const mirror = new Mirror(TTL_SECONDS);
    const views = [view('a')];
    mirror.advance(views, START);
    expect(mirror.advance(views, START + 30_000)).toEqual({ runtime_matrix: [], runtime_supervisor: [] });
  });

  test('knows when it changes by itself: with the words of a silence', () => {
    const mirror = new Mirror(TTL_SECONDS);
    const views = [view('a'), view('b', START + 5000)];
    mirror.advance(views, START);
    expect(mirror.changesAt(START)).toBeUndefined();
    const { runtime_matrix: patch } = mirror.advance(views, START + 60_000);
    expect(patch).toContainEqual({ op: 'replace', path: '/items/a/stale', value: true });
    expect(mirror.changesAt(START + 60_000)).toBe(START + 61_000);
    const later = mirror.advance(views, START + 61_000).runtime_matrix.map(({ path }) => path);
    expect(later).toContain('/items/a/status/label');
    expect(later.some((path) => path.startsWith('/items/b'))).toBe(false);
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
