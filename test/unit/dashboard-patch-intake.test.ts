// Patches and loads in any order: what the page shows in the end is what the hub has, however old an answer was.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PatchIntake } from '../../dashboard/connection/patch-intake.ts';
import { patchOrder, type Versions } from '../../dashboard/view-model/patch-order.ts';

type Patch = { shard: string; base: number; version: number };

/** A page that has of each shard the number of its last patch. */
function page(): { intake: PatchIntake<Versions, Patch>; has: () => Versions } {
  let has: Record<string, number> = {};
  const intake = new PatchIntake<Versions, Patch>({
    apply: (patch) => {
      const order = patchOrder(has, patch);
      if (order === 'next') has[patch.shard] = patch.version;
      return order !== 'missing';
    },
    load: (model) => {
      has = { ...model };
    },
    isBehind: (model) => Object.entries(model).some(([shard, version]) => version < (has[shard] ?? 0)),
  });
  return { intake, has: () => has };
}

test('a patch that does not fit is not lost to an answer that is older than it', () => {
  const { intake, has } = page();
  expect(intake.loaded({})).toBe(false);
  expect(intake.take({ shard: '0', base: 7, version: 8 }, false)).toBe(true);
  expect(intake.loaded({})).toBe(true);
  expect(intake.loaded({ '0': 7 })).toBe(false);
  expect(has()).toEqual({ '0': 8 });
  expect(intake.isWaiting).toBe(false);
});

test('an answer that is older than what is shown is not shown', () => {
  const { intake, has } = page();
  intake.loaded({ '0': 1, '1': 1 });
  intake.take({ shard: '0', base: 1, version: 2 }, false);
  intake.take({ shard: '1', base: 3, version: 4 }, false);
  expect(intake.loaded({ '0': 1, '1': 4 })).toBe(true);
  expect(has()).toEqual({ '0': 2, '1': 1 });
  expect(intake.loaded({ '0': 2, '1': 4 })).toBe(false);
  expect(has()).toEqual({ '0': 2, '1': 4 });
});

test('a patch of a shard that the hub no longer has is let go of', () => {
  const { intake, has } = page();
  intake.take({ shard: '9', base: 3, version: 4 }, false);
  const asked = [1, 2, 3, 4, 5, 6].map((version) => intake.loaded({ '0': version }));
  expect(asked).toEqual([true, true, true, true, false, false]);
  expect(has()).toEqual({ '0': 6 });
});

test('whatever is told and answered when, once the newest is answered nothing is missing', () => {
  const change = fc.record({ shard: fc.constantFrom('0', '1', '2'), isLost: fc.boolean() });
  const step = fc.oneof(
    { weight: 3, arbitrary: change },
    { weight: 1, arbitrary: fc.record({ answersAgeOf: fc.nat(6) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { intake, has } = page();
      const past: Record<string, number>[] = [{ '0': 1, '1': 1, '2': 1 }];
      const truth = (): Record<string, number> => ({ ...past.at(-1) });
      intake.loaded(truth());
      let isLoading = false;
      for (const told of steps) {
        if ('answersAgeOf' in told) {
          isLoading = intake.loaded(past.at(-1 - told.answersAgeOf) ?? past[0] ?? {});
          continue;
        }
        const base = truth()[told.shard] ?? 0;
        past.push({ ...truth(), [told.shard]: base + 1 });
        if (told.isLost) continue;
        isLoading = intake.take({ shard: told.shard, base, version: base + 1 }, isLoading) || isLoading;
      }
      // What was lost on the way is told by the next patch; the hub's answer to that load is the newest.
      for (const shard of ['0', '1', '2']) {
        const base = truth()[shard] ?? 0;
        past.push({ ...truth(), [shard]: base + 1 });
        intake.take({ shard, base, version: base + 1 }, isLoading);
      }
      const loadsAgain = intake.isWaiting && intake.loaded(truth());
      expect(loadsAgain).toBe(false);
      expect(has()).toEqual(truth());
    }),
  );
});
