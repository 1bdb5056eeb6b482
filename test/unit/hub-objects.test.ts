// The small decisions of the objects: which shard, which alarm, which cut, which token, which name was meant.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admits, nodeOfToken, rotate, spellToken } from '../../worker/domain/credentials.ts';
import { closest } from '../../contract/closest.ts';
import { nextVersion, showableMs } from '../../worker/domain/cut.ts';
import { entityTag, matchesTag } from '../../worker/domain/etag.ts';
import { earliest, rearm } from '../../worker/domain/next-alarm.ts';
import { isAt, shardOf } from '../../worker/domain/shard-of.ts';
import { holds } from '../support/property.ts';

const NOW = 1_000_000;

describe('the shard of a node', () => {
  const nodes = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/), {
    minLength: 1,
    maxLength: 50,
  });

  test('is one of them, and always the same', () => {
    holds(
      fc.property(nodes, fc.integer({ min: 1, max: 64 }), (names, shards) => {
        for (const name of names) {
          const shard = shardOf(name, shards);
          expect(shard).toBeGreaterThanOrEqual(0);
          expect(shard).toBeLessThan(shards);
          expect(shardOf(name, shards)).toBe(shard);
        }
      }),
      200,
    );
  });

  test('changes only to the shard that is added', () => {
    holds(
      fc.property(nodes, fc.integer({ min: 1, max: 32 }), (names, shards) => {
        for (const name of names) {
          expect([shardOf(name, shards), shards]).toContain(shardOf(name, shards + 1));
        }
      }),
      200,
    );
  });

  test('is where the node is shown, and nowhere else', () => {
    holds(
      fc.property(nodes, fc.integer({ min: 1, max: 16 }), (names, shards) => {
        const places = Array.from({ length: shards }, (_, index) => ({ index, shards }));
        for (const name of names) {
          const shownAt = places.filter((place) => isAt(name, place)).map(({ index }) => index);
          expect(shownAt).toEqual([shardOf(name, shards)]);
        }
      }),
      100,
    );
  });

  test('spreads nodes with like names evenly', () => {
    const counts = Array.from({ length: 8 }, () => 0);
    for (let index = 0; index < 8000; index += 1) {
      const shard = shardOf(`gpu-${index}`, 8);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(900);
    expect(Math.max(...counts)).toBeLessThan(1100);
  });

  test('is pinned: a changed hash would re-home every node of a running fleet', () => {
    const homes = ['gpu-01', 'gpu-02', 'local', 'a', 'Z.9_-'].map((node) => shardOf(node, 8));
    expect(homes).toMatchInlineSnapshot(`
      [
        6,
        2,
        2,
        1,
        4,
      ]
    `);
  });
});

describe('the next alarm', () => {
  const times = fc.array(fc.option(fc.integer({ min: 0, max: 1e6 }), { nil: undefined }), { maxLength: 10 });

  test('is the earliest deadline', () => {
    holds(
      fc.property(times, (deadlines) => {
        const known = deadlines.filter((deadline) => deadline !== undefined);
        expect(earliest(deadlines)).toBe(known.length === 0 ? undefined : Math.min(...known));
      }),
    );
  });

  test('only ever moves to an earlier time, so that no deadline is slept through', () => {
    holds(
      fc.property(times, (wanted) => {
        let armed: number | undefined;
        for (const deadline of wanted) {
          const before = armed;
          armed = rearm(armed, deadline) ?? armed;
          expect(armed ?? Infinity).toBeLessThanOrEqual(before ?? Infinity);
        }
        expect(armed).toBe(earliest(wanted));
      }),
    );
  });
});

describe('a cut', () => {
  const cut = { at: NOW, revision: 7, changesAt: NOW + 5000 };

  test.each([
    ['while nothing changed', cut, 7, NOW + 4999, 250],
    ['not once an item is told in other words', cut, 7, NOW + 5000, undefined],
    ['for good where no item changes by itself', { ...cut, changesAt: undefined }, 7, NOW * 2, 250],
    ['for the rest of its window although something changed', cut, 8, NOW + 100, 150],
    ['not after its window when something changed', cut, 8, NOW + 250, undefined],
    ['not where the clock went back', cut, 7, NOW - 1, undefined],
  ])('is shown %s', (_name, state, revision, now, ms) => {
    expect(showableMs(state, revision, now)).toBe(ms);
  });

  test('nobody who looks sees what is untrue for longer than a window', () => {
    holds(
      fc.property(fc.nat(2000), fc.nat(2000), (changedAfter, lookedAfter) => {
        // The object's cut, looked at by an isolate that shows its copy for as long as it was told.
        const looked = NOW + lookedAfter;
        const changed = NOW + changedAfter;
        const revision = looked >= changed ? 8 : 7;
        const state = { ...cut, changesAt: undefined };
        const shown = showableMs(state, revision, looked);
        expect(looked + (shown ?? -looked) - changed).toBeLessThanOrEqual(250);
      }),
    );
  });

  test('has a version that grows with each cut, and with each life of the object', () => {
    expect(nextVersion(0, NOW)).toBe(NOW);
    expect(nextVersion(NOW, NOW)).toBe(NOW + 1);
    expect(nextVersion(NOW + 5, NOW)).toBe(NOW + 6);
  });
});

describe('an entity tag', () => {
  const tag = entityTag([
    { epoch: 'a1', version: 36 },
    { epoch: 'b2', version: 1 },
  ]);

  test('names every cut', () => {
    expect(tag).toBe('"a1-10.b2-1"');
  });

  test.each([
    [undefined, false],
    ['', false],
    ['*', true],
    [' * ', true],
    [tag, true],
    [`W/${tag}`, true],
    [`"other", W/"x", ${tag}`, true],
    ['"other"', false],
    ['a1-10.b2-1', false],
  ])('matches %j: %s', (header, matches) => {
    expect(matchesTag(header, tag)).toBe(matches);
  });
});

describe('credentials', () => {
  test('a token names its node, also one with dots', () => {
    for (const node of ['gpu-01', 'a.b.c', 'x_y']) expect(nodeOfToken(spellToken(node, 's3cret'))).toBe(node);
    for (const text of ['', 'arwn_', 'arwn_gpu-01', 'gpu-01.secret', 'arwn_a/b.secret']) {
      expect(nodeOfToken(text)).toBeUndefined();
    }
  });

  test('a replaced token works until its overlap ends, and an earlier end stays', () => {
    const first = rotate([], 'one', 0);
    const second = rotate(first, 'two', NOW + 600);
    const third = rotate(second, 'three', NOW + 900);
    const credentials = { node: 'n', commandKey: 'k', tokens: third };
    expect(third).toEqual([
      { hash: 'one', until: NOW + 600 },
      { hash: 'two', until: NOW + 900 },
      { hash: 'three', until: null },
    ]);
    expect(admits(credentials, 'one', NOW + 599)).toBeDefined();
    expect(admits(credentials, 'one', NOW + 600)).toBeUndefined();
    expect(admits(credentials, 'three', NOW * 2)).toBeDefined();
    expect(admits(credentials, 'four', NOW)).toBeUndefined();
  });
});

describe('a name that is not known', () => {
  test('is answered with the ones like it, the closest first', () => {
    expect(closest('lama.70b', ['whisper', 'llama.8b', 'llama.70b', 'llama.70b'])).toEqual([
      'llama.70b',
      'llama.8b',
      'whisper',
    ]);
    expect(closest('x', [])).toEqual([]);
  });
});
