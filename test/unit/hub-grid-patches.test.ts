// Whoever loads the grid and follows its patches has what a reload has: whatever the shards tell, late or lost, and
// whenever Fleet forgets.

import * as fc from 'fast-check';
import * as v from 'valibot';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GridSchema, type Grid } from '../../contract/grid.ts';
import { CellBook, merged, type LastSaid } from '../../worker/domain/cell-book.ts';
import { CUT_WINDOW_MS } from '../../worker/domain/cut.ts';
import { gridTotals } from '../../worker/domain/grid.ts';
import { shardOf } from '../../worker/domain/shard-of.ts';
import { GridMirror } from '../../worker/objects/fleet/grid-mirror.ts';
import { GridPatches } from '../../worker/objects/fleet/grid-patches.ts';
import type { CellCut } from '../../worker/objects/rpc.ts';
import { anyWord, bookOf, record, said, tellCells, TIME } from '../support/cells.ts';
import { follow, timeless, type PatchPayload } from '../support/patched-model.ts';
import { holdsLater } from '../support/property.ts';

type Shard = { book: CellBook; nodes: Map<string, LastSaid>; version: number; revision: number };

/** A fleet whose shards tell Fleet of their cells, as Fleet and its readers see it. */
class World {
  readonly told: PatchPayload[] = [];
  isWatched = true;
  readonly #shards: Shard[];
  #fleet: GridPatches;

  constructor(shards: number) {
    this.#shards = Array.from({ length: shards }, () => ({
      book: new CellBook(),
      nodes: new Map(),
      version: 1,
      revision: 0,
    }));
    this.#fleet = this.#newFleet();
  }

  say(node: string, word: LastSaid | undefined): void {
    const { nodes } = this.#of(shardOf(node, this.#shards.length));
    if (word === undefined) nodes.delete(node);
    else nodes.set(node, word);
  }

  cut(index: number): CellCut {
    const shard = this.#of(index % this.#shards.length);
    shard.book.sync(shard.nodes.values(), () => true, TIME);
    if (shard.book.revision !== shard.revision) {
      shard.revision = shard.book.revision;
      shard.version += 1;
    }
    const name = { epoch: String(index % this.#shards.length), version: shard.version };
    const report = structuredClone(shard.book.report());
    return { name, at: Date.now(), showableMs: CUT_WINDOW_MS, isWatched: this.isWatched, report };
  }

  /** A shard tells what it told when the cut was made: perhaps long ago. */
  tell(index: number, cut = this.cut(index)): void {
    this.#fleet.hear(index % this.#shards.length, cut, Date.now());
  }

  subscribe(): void {
    this.isWatched = true;
    this.#fleet.begin(Date.now());
  }

  /** Fleet loses its memory, and those who subscribe stay. */
  evict(): void {
    this.#fleet = this.#newFleet();
    this.#fleet.begin(Date.now());
  }

  load(): Grid {
    const cuts = this.#shards.map((_shard, index) => this.cut(index));
    const { total, cells } = merged(cuts.map(({ report }) => report));
    const told = this.#fleet.read(cuts, Date.now());
    const grid = {
      cells: told?.cells ?? tellCells(cells),
      totals: told?.totals ?? gridTotals(total, cells.length),
      ttl_seconds: 60,
      updated: new Date().toISOString(),
      version: 1,
      versions: { fleet: told?.version ?? 0 },
    };
    return structuredClone(grid);
  }

  /** What all nodes add up to, by nobody who could have forgotten anything. */
  truth(): unknown {
    const { total, cells } = merged([
      bookOf(this.#shards.flatMap(({ nodes }) => [...nodes.values()])).report(),
    ]);
    return { cells: tellCells(cells), totals: gridTotals(total, cells.length) };
  }

  #newFleet(): GridPatches {
    const fleet: GridPatches = new GridPatches({
      shards: this.#shards.length,
      isWatched: () => this.isWatched && fleet === this.#fleet,
      ask: async (shards) => shards.map((index) => this.cut(index)),
      tell: (draft) => {
        if (draft.kind === 'state.read.model.patch') this.told.push(structuredClone(draft.payload));
      },
    });
    return fleet;
  }

  #of(index: number): Shard {
    const shard = this.#shards[index];
    if (shard === undefined) throw new Error('no shard');
    return shard;
  }
}

function figures({ cells, totals }: Grid): unknown {
  return { cells, totals };
}

beforeEach(() => {
  vi.useFakeTimers({ now: TIME.now });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

test('under churn, loss and eviction', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant('say' as const), word: anyWord }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('tell' as const), shard: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('late' as const), shard: fc.nat(2) }) },
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 600 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constant('hear' as const), count: fc.integer({ min: 1, max: 5 }) }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('load' as const) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('evict' as const) }) },
  );
  await holdsLater(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(step, { maxLength: 40 }),
      async (shards, steps) => {
        const world = new World(shards);
        world.subscribe();
        let has = world.load();
        let heard = 0;
        const hear = (count: number): void => {
          for (const patch of world.told.slice(heard, heard + count)) {
            heard += 1;
            if (follow(has, patch) === 'reload') has = world.load();
          }
        };
        let late: CellCut | undefined;
        const loads: [unknown, unknown][] = [];
        for (const now of steps) {
          switch (now.type) {
            case 'say': {
              const { node, runtimes, receivedAt } = now.word;
              world.say(node, receivedAt === undefined ? undefined : said(node, runtimes, receivedAt));
              break;
            }
            case 'tell':
              world.tell(now.shard);
              break;
            case 'late':
              // Overtaken on its way by what a reader has brought.
              if (late === undefined) late = world.cut(0);
              else world.tell(0, late);
              break;
            case 'pass':
              await pass(now.ms);
              break;
            case 'hear':
              hear(now.count);
              break;
            case 'load':
              has = world.load();
              loads.push([structuredClone(figures(has)), world.truth()]);
              break;
            case 'evict':
              // An object takes longer to begin anew than versions are ahead of the clock.
              await pass(100);
              world.evict();
              break;
            default:
              now satisfies never;
          }
          expect(v.is(GridSchema, has)).toBe(true);
        }
        for (const [loaded, truth] of loads) expect(loaded).toEqual(truth);
        for (let index = 0; index < shards; index += 1) world.tell(index);
        await pass(2 * CUT_WINDOW_MS);
        hear(Number.POSITIVE_INFINITY);
        expect(figures(has)).toEqual(world.truth());
        const again = world.load();
        expect(has.versions).toEqual(again.versions);
        expect(timeless(has)).toEqual(timeless(again));
      },
    ),
    200,
  );
});

test('whoever is shown what was asked for before anybody subscribed loads again', async () => {
  const world = new World(2);
  world.isWatched = false;
  world.say('a', said('a', [record('r')]));
  const cached = world.load();
  world.say('a', said('a', [record('r', { state: 'error' })]));
  world.subscribe();
  await pass(CUT_WINDOW_MS);
  expect(world.told.map((patch) => follow(cached, patch))).toEqual(['reload']);
  expect(figures(world.load())).toEqual(world.truth());
});

test('whoever has loaded since hears of each change once, at most one in the cut window', async () => {
  const world = new World(2);
  world.subscribe();
  const has = world.load();
  await pass(CUT_WINDOW_MS);
  world.told.splice(0);
  for (let turn = 0; turn < 8; turn += 1) {
    world.say('a', said('a', [record('r', { health: { capacity: 8, inflight_jobs: turn } })]));
    world.tell(shardOf('a', 2));
    await pass(CUT_WINDOW_MS / 4);
  }
  await pass(CUT_WINDOW_MS);
  expect(world.told.length).toBeLessThanOrEqual(4);
  expect(world.told.map((patch) => follow(has, patch))).not.toContain('reload');
  expect(figures(has)).toEqual(world.truth());
});

test('nobody who subscribes: nothing is kept and nothing told', async () => {
  const world = new World(1);
  world.isWatched = false;
  world.say('a', said('a', [record('r')]));
  world.tell(0);
  await pass(10 * CUT_WINDOW_MS);
  expect(world.told).toEqual([]);
  expect(world.load().versions).toEqual({ fleet: 0 });
});

test('a cell that comes or goes is one operation, and one that changes is what has changed', () => {
  const mirror = new GridMirror(1);
  const say = (version: number, models: readonly string[], inflight: number) => {
    const records = models.map((id) =>
      record(id, {
        health: { capacity: 4, inflight_jobs: inflight },
        descriptor: { models: [{ id, state: 'loaded' }] },
      }),
    );
    mirror.hear(0, { name: { epoch: 'e', version }, report: bookOf([said('a', records)]).report() });
    return mirror.advance();
  };
  expect(say(1, ['a', 'b', 'd'], 0)).toBeUndefined();
  const paths = (patch: ReturnType<typeof say>): string[] =>
    (patch ?? []).map(({ op, path }) => `${op} ${path}`).filter((text) => text.includes(' /cells'));
  expect(paths(say(2, ['a', 'b', 'c', 'd'], 0))).toEqual(['add /cells/2']);
  expect(paths(say(3, ['a', 'c', 'd'], 0))).toEqual(['remove /cells/1']);
  expect(paths(say(4, ['a', 'c', 'd'], 1))).toEqual(
    [0, 1, 2].flatMap((at) => [`replace /cells/${at}/inflight`, `replace /cells/${at}/load_ratio`]),
  );
  expect(say(5, ['a', 'c', 'd'], 1)).toEqual([]);
});
