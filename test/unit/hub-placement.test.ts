// Where the objects of a hub are: which of them is asked, in which jurisdiction, with which wish for a place.

import { expect, test } from 'vitest';
import type { Env, Namespace } from '../../worker/env.ts';
import { fleet, shardFor } from '../../worker/objects/stubs.ts';

/** Tells what is asked for instead of reaching it. */
function namespace(within = ''): Namespace<never> {
  return {
    getByName(name, { locationHint } = {}) {
      throw new Error(`${within}${name}${locationHint === undefined ? '' : `@${locationHint}`}`);
    },
    idFromName: (name) => name,
    jurisdiction: (name) => namespace(`${within}${name}/`),
  };
}

function reached(settings: Partial<Env>): string[] {
  const env: Env = { FLEET: namespace(), NODE_SHARD: namespace(), FLEET_SHARDS: '2', ...settings };
  return [() => fleet(env), () => shardFor(env, 'gpu-01'), () => shardFor(env, 'gpu-02')].map((reach) => {
    try {
      reach();
      return 'nothing';
    } catch (error) {
      return error instanceof Error ? error.message : 'nothing';
    }
  });
}

test('objects have the same names everywhere', () => {
  expect(reached({})).toEqual(['fleet', 'shard-1', 'shard-1']);
  expect(reached({ ARW_LOCATION_HINT: '', ARW_JURISDICTION: ' ' })).toEqual(reached({}));
});

test('a hint is a wish: one that nobody knows is none', () => {
  expect(reached({ ARW_LOCATION_HINT: ' WEUR' })).toEqual(['fleet@weur', 'shard-1@weur', 'shard-1@weur']);
  expect(reached({ ARW_LOCATION_HINT: 'europe' })).toEqual(reached({}));
});

test('a jurisdiction is never guessed at: the platform refuses one that it does not know', () => {
  const settings = { ARW_JURISDICTION: 'eu', ARW_LOCATION_HINT: 'eeur' };
  expect(reached(settings)).toEqual(['eu/fleet@eeur', 'eu/shard-1@eeur', 'eu/shard-1@eeur']);
  expect(reached({ ARW_JURISDICTION: 'europa' })[0]).toBe('europa/fleet');
});
