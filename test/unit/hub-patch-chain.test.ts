// When a shard patches its read models: from which version on, in which rhythm, and how whoever cannot follow finds out.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Matrix } from '../../contract/read-models.ts';
import { CUT_WINDOW_MS } from '../../worker/domain/cut.ts';
import { matrixItem, type NodeView } from '../../worker/domain/view.ts';
import { Patches } from '../../worker/objects/shard/patches.ts';
import { follow, timeless, type PatchPayload } from '../support/patched-model.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const START = Date.parse('2026-11-22T12:00:00.000Z');
const TTL_SECONDS = 60;

/** A shard of which everything is in one place, as its patches see it. */
class World {
  readonly told: PatchPayload[] = [];
  isWatched = false;
  readonly #nodes = new Map<string, NodeView>();
  #seq = 0;
  readonly patches = new Patches({
    place: { index: 0, shards: 1 },
    ttlSeconds: TTL_SECONDS,
    fleet: () => ({
      publish: async (_place, { drafts }) => {
        for (const { draft } of drafts) {
          if (draft.kind === 'state.read.model.patch') this.told.push(structuredClone(draft.payload));
        }
      },
    }),
    isWatched: () => this.isWatched,
    views: () => [...this.#nodes.values()],
    onMissed: () => undefined,
  });

  say(node: string, state: 'ready' | 'error', detail: string[] = []): void {
    this.#seq += 1;
    const record = runtimeRecord({ state });
    record.status.detail = detail;
    const said = snapshot({ node, seq: this.#seq, runtimes: [record] });
    this.#nodes.set(node, { snapshot: said, receivedAt: Date.now(), uplink: 'open' });
    this.patches.touched(Date.now());
  }

  /** As a read of the matrix is made, with the versions that it names. */
  load(): Matrix {
    const now = Date.now();
    const views = this.patches.viewsFor(now);
    const time = { ttlSeconds: TTL_SECONDS, now };
    return {
      items: structuredClone(
        Object.fromEntries(views.map((view) => [view.snapshot.target, matrixItem(view, time, false)])),
      ),
      ttl_seconds: TTL_SECONDS,
      updated: new Date(now).toISOString(),
      version: 1,
      versions: { 0: this.patches.chainOf(now)?.runtime_matrix ?? 0 },
    };
  }

  subscribe(): void {
    this.isWatched = true;
    this.patches.begin(Date.now());
  }
}

/** Deals with what was told: what the reader must do where one of them does not fit. */
function hear(loaded: Matrix, told: readonly PatchPayload[]): 'follows' | 'reload' {
  const matrix = told.filter(({ id }) => id === 'runtime_matrix');
  return matrix.some((patch) => follow(loaded, patch) === 'reload') ? 'reload' : 'follows';
}

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe('whoever is shown what was asked for before anybody subscribed', () => {
  test('loads again: what changed in between is in no patch', async () => {
    const world = new World();
    world.say('a', 'ready');
    const cached = world.load();
    world.say('a', 'error');
    world.subscribe();
    await pass(1);
    expect(hear(cached, world.told)).toBe('reload');
  });

  test('is told so also where it is shown it again', async () => {
    const world = new World();
    world.say('a', 'ready');
    const cached = world.load();
    world.say('a', 'error');
    world.subscribe();
    await pass(CUT_WINDOW_MS - 1);
    const before = world.told.length;
    await pass(2);
    const shownAgain = structuredClone(cached);
    expect(hear(shownAgain, world.told.slice(before))).toBe('reload');
    const loaded = world.load();
    await pass(CUT_WINDOW_MS);
    expect(hear(loaded, world.told)).toBe('follows');
    expect(timeless(loaded)).toEqual(timeless(world.load()));
  });
});

test('whoever has loaded since has nothing to load again', async () => {
  const world = new World();
  world.say('a', 'ready');
  world.subscribe();
  await pass(1);
  const loaded = world.load();
  for (const state of ['error', 'ready', 'error'] as const) {
    world.say('a', state);
    await pass(CUT_WINDOW_MS);
  }
  expect(hear(loaded, world.told)).toBe('follows');
  expect(timeless(loaded)).toEqual(timeless(world.load()));
});

test('a patch that is too long is none: who would need it loads again, also one of an empty shard', async () => {
  const world = new World();
  world.subscribe();
  await pass(CUT_WINDOW_MS + 1);
  const loaded = world.load();
  const before = world.told.length;
  const detail = Array.from({ length: 8 }, () => 'x'.repeat(240));
  for (let index = 0; index < 200; index += 1) world.say(`n${index}`, 'error', detail);
  await pass(2 * CUT_WINDOW_MS);
  const told = world.told.slice(before);
  expect(JSON.stringify(told).length).toBeLessThan(10_000);
  expect(hear(loaded, told)).toBe('reload');
});

test('a clock that is set back by an hour stops no patch, and none comes more often for it', async () => {
  const world = new World();
  world.say('a', 'ready');
  world.subscribe();
  await pass(CUT_WINDOW_MS + 1);
  const loaded = world.load();
  vi.setSystemTime(Date.now() - 3_600_000);
  const before = world.told.length;
  world.say('a', 'error');
  await pass(CUT_WINDOW_MS + 1);
  expect(hear(loaded, world.told)).toBe('follows');
  expect(loaded.items['a']?.runtimes?.[0]?.status.state).toBe('error');
  expect(world.told.slice(before).filter(({ id }) => id === 'runtime_matrix')).toHaveLength(1);
});
