// The home of a node: whatever breaks off, and however often it moves, every command is in one place in the end, once and
// in its order.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CommandRecord } from '../../worker/domain/command-life.ts';
import { claimed, further, isAstray, settled, takenOver, type Home } from '../../worker/domain/home.ts';
import { shardOf } from '../../worker/domain/shard-of.ts';
import { newCommand } from '../../worker/domain/submit.ts';
import { holds } from '../support/property.ts';

const NOW = 1_000_000;
const REQUEST = { node: 'gpu-01', runtime: 'llama.70b', kind: 'restore' as const, args: {} };

function command(id: string, change: Partial<CommandRecord> = {}): CommandRecord {
  return { ...newCommand(REQUEST, id, NOW), signature: 's', ordinal: 1, ...change };
}

describe('a home', () => {
  test('that is claimed remembers who may hold something, the oldest first', () => {
    const first: Home = { index: 0, former: [], moves: 0 };
    expect(claimed(first, 0)).toBe(first);
    const second = claimed(first, 2);
    expect(second).toEqual({ index: 2, former: [0], moves: 1 });
    const third = claimed(second, 1);
    expect(third).toEqual({ index: 1, former: [0, 2], moves: 2 });
    expect(claimed(third, 0)).toEqual({ index: 0, former: [2, 1], moves: 3 });
  });

  test('is settled by the move that it has made, not by one before', () => {
    const home: Home = { index: 1, former: [0, 2], moves: 2 };
    expect(settled(home, 2)).toEqual({ index: 1, former: [], moves: 2 });
    expect(settled(home, 1)).toBe(home);
  });

  test('is astray at the place that the node belongs to, and nowhere else', () => {
    const shards = 4;
    const index = shardOf('gpu-01', shards);
    const elsewhere = (index + 1) % shards;
    const at = (home: Home, place: number) => isAstray('gpu-01', home, { index: place, shards });
    expect(at({ index: elsewhere, former: [], moves: 0 }, index)).toBe(true);
    expect(at({ index, former: [elsewhere], moves: 1 }, index)).toBe(true);
    expect(at({ index, former: [], moves: 1 }, index)).toBe(false);
    expect(at({ index: elsewhere, former: [], moves: 0 }, elsewhere)).toBe(false);
  });
});

describe('of two copies of a command', () => {
  const queued = command('a');
  const delivered = command('a', { state: 'delivered', attempts: 1 });
  const again = command('a', { state: 'delivered', attempts: 2 });
  const running = command('a', { state: 'running', attempts: 1 });
  const completed = command('a', { state: 'completed', attempts: 1 });

  test.each([
    [queued, delivered],
    [delivered, again],
    [again, running],
    [running, completed],
  ])('the one that knows more counts', (less, more) => {
    expect(further(less, more)).toBe(more);
    expect(further(more, less)).toBe(more);
  });

  test('an end that is written stays, unless it was presumed', () => {
    const failed = command('a', { state: 'failed', attempts: 1, error: { reason: 'x', message: 'y' } });
    expect(further(completed, failed)).toBe(completed);
    expect(further(failed, completed)).toBe(failed);
    const expired = command('a', { state: 'expired', attempts: 1 });
    expect(further(completed, expired)).toBe(completed);
    expect(further(expired, completed)).toBe(completed);
  });
});

/** One shard as far as one node goes: its rows, and the numbers it gives. */
class Shard {
  readonly rows = new Map<string, CommandRecord>();
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }

  inOrder(): CommandRecord[] {
    return [...this.rows.values()].toSorted((a, b) => a.ordinal - b.ordinal);
  }

  /** The node has other neighbours: numbers are not without gaps. */
  skip(count: number): void {
    this.#last += count;
  }
}

/** Fleet and its shards, with the steps of a homecoming one by one. */
class World {
  home: Home = { index: 0, former: [], moves: 0 };
  readonly shards = Array.from({ length: 4 }, () => new Shard());
  readonly submitted: string[] = [];

  shard(index: number): Shard {
    const found = this.shards[index];
    if (found === undefined) throw new Error('no such shard');
    return found;
  }

  /** Runs the first so many steps of a homecoming: what comes after them was lost with the memory of the shard. */
  comeHome(index: number, steps = Infinity): void {
    if (steps < 1) return;
    this.home = claimed(this.home, index);
    const { former, moves } = this.home;
    if (steps < 2) return;
    const here = this.shard(index);
    const handed = former.flatMap((place) => this.shard(place).inOrder());
    for (const record of takenOver(
      (id) => here.rows.get(id),
      handed,
      () => here.next(),
    )) {
      here.rows.set(record.id, record);
    }
    for (const [at, place] of former.entries()) {
      if (steps < 3 + at) return;
      this.shard(place).rows.clear();
    }
    if (steps >= 3 + former.length) this.home = settled(this.home, moves);
  }

  submit(index: number, id: string): void {
    this.comeHome(index);
    const shard = this.shard(index);
    shard.rows.set(id, command(id, { ordinal: shard.next() }));
    this.submitted.push(id);
  }
}

test('every command is where its node lives in the end, once and in order', () => {
  const place = fc.integer({ min: 0, max: 3 });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('submit' as const), place }),
    fc.record({ kind: fc.constant('crash' as const), place, after: fc.integer({ min: 0, max: 6 }) }),
    fc.record({ kind: fc.constant('others' as const), place, count: fc.integer({ min: 1, max: 5 }) }),
  );
  holds(
    fc.property(fc.array(step, { maxLength: 30 }), place, (steps, last) => {
      const world = new World();
      for (const [at, one] of steps.entries()) {
        if (one.kind === 'submit') world.submit(one.place, `c${at}`);
        else if (one.kind === 'crash') world.comeHome(one.place, one.after);
        else world.shard(one.place).skip(one.count);
      }
      world.comeHome(last);
      const kept = world.shards.map((shard) => shard.inOrder().map(({ id }) => id));
      expect(kept[last]).toEqual(world.submitted);
      expect(kept.filter((_, index) => index !== last).flat()).toEqual([]);
      expect(world.home).toMatchObject({ index: last, former: [] });
    }),
    2000,
  );
});
