// What a read does to bring nodes home while Fleet speaks of one of them: it ends, says what is missing, and the next
// read brings it.

import { expect, test } from 'vitest';
import { CredentialCache } from '../../worker/objects/shard/credential-cache.ts';
import { Homecoming } from '../../worker/objects/shard/homecoming.ts';

const PLACE = { index: 0, shards: 1 };
const CREDENTIALS = { node: 'gpu-01', commandKey: 'k', tokens: [] };

test('a token that is rotated while its node is brought home does not hold up the read', async () => {
  let asked = 0;
  let isHome = false;
  const taken: string[] = [];
  const cache = new CredentialCache(async () => null);
  const homecoming = new Homecoming({
    place: PLACE,
    fleet: () => ({
      claim: async () => null,
      claimStrays: async () => {
        asked += 1;
        // A loop without an end would be one of the test's, too.
        if (asked > 10) throw new Error('asked without an end');
        return isHome ? [] : [{ node: 'gpu-01', former: [1], moves: 1 }];
      },
      settle: async (nodes) => {
        isHome ||= nodes.length > 0;
      },
    }),
    shardAt: () => ({
      handOver: async (nodes) => {
        if (asked === 1) cache.tell('gpu-01', CREDENTIALS);
        return nodes.map((node) => ({ node, live: null, silentSince: null, commands: [] }));
      },
      forget: async () => undefined,
    }),
    take: async (handed) => {
      taken.push(...handed.map(({ node }) => node));
    },
  });
  const read = () => cache.during((isOvertaken) => homecoming.gather(PLACE, isOvertaken, 0));

  expect(await read()).toEqual([1]);
  expect(taken).toEqual([]);
  expect(await read()).toEqual([]);
  expect(taken).toEqual(['gpu-01']);
});
