// Which runtime of the fleet an action goes to: always one that was offered and takes it, never a busier one than need be,
// and by chance among equals.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { problem } from '../../contract/problem.ts';
import type { RuntimeHealth, RuntimeRecord } from '../../contract/runtime-record.ts';
import { choose, nameAtGateway, offersOf, type Offer } from '../../worker/domain/choose-runtime.ts';
import { holds } from '../support/property.ts';
import { runtimeRecord } from '../support/snapshot.ts';

const obstacle = problem('node-offline', 'It is away');

function offer(more: Partial<Offer>): Offer {
  return {
    node: 'a',
    runtime: 'r',
    backend: 'llama.cpp',
    model: 'm',
    rank: 0,
    isElsewhere: false,
    obstacle: undefined,
    mustLoad: false,
    jobs: 0,
    capacity: 1,
    ...more,
  };
}

function share({ jobs, capacity }: Offer): number {
  return jobs === undefined ? 1 : jobs / Math.max(1, capacity ?? 1);
}

const anyOffer: fc.Arbitrary<Offer> = fc
  .record({
    node: fc.constantFrom('a', 'b', 'c'),
    rank: fc.integer({ min: 0, max: 3 }),
    isElsewhere: fc.boolean(),
    obstacle: fc.constantFrom(undefined, undefined, obstacle),
    mustLoad: fc.boolean(),
    jobs: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
    capacity: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
  })
  .map((more) => offer(more));

test('what is chosen was offered, takes it, fits as exactly as any, and none of these is less loaded', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  holds(
    fc.property(fc.array(anyOffer, { maxLength: 12 }), chance, (offers, luck) => {
      const chosen = choose(offers, {}, [], luck);
      const best = offers.filter(({ rank }) => rank === Math.min(...offers.map((each) => each.rank)));
      const own = best.filter(({ isElsewhere }) => !isElsewhere);
      const able = (own.length > 0 ? own : best).filter((each) => each.obstacle === undefined);
      expect(chosen.ok).toBe(able.length > 0);
      if (!chosen.ok) return;
      expect(able).toContain(chosen.value);
      const lighter = able.filter(
        (other) =>
          Number(other.mustLoad) < Number(chosen.value.mustLoad) ||
          (other.mustLoad === chosen.value.mustLoad && share(other) < share(chosen.value)),
      );
      expect(lighter).toEqual([]);
    }),
  );
});

test('among equals chance decides, and reaches each of them', () => {
  const offers = ['a', 'b', 'c'].map((node) => offer({ node }));
  const nodes = [0, 0.34, 0.99].map((luck) => {
    const chosen = choose(offers, {}, [], luck);
    return chosen.ok && chosen.value.node;
  });
  expect(nodes).toEqual(['a', 'b', 'c']);
});

test('what the fleet has itself never goes elsewhere, also while it is not ready', () => {
  const own = offer({ obstacle });
  const elsewhere = offer({ node: 'b', isElsewhere: true });
  expect(choose([own, elsewhere], { model: 'm' }, [], 0)).toEqual({ ok: false, problem: obstacle });
  expect(choose([elsewhere], { model: 'm' }, [], 0)).toEqual({ ok: true, value: elsewhere });
});

function record(more: {
  id?: string;
  model?: string;
  health?: RuntimeHealth;
  draining?: boolean;
  modalities?: string[];
}): RuntimeRecord {
  const base = runtimeRecord({ id: more.id ?? 'r', model: more.model ?? '/models/qwen.gguf' });
  const { health, draining, modalities } = more;
  return {
    descriptor: { ...base.descriptor, ...(modalities && { modalities }) },
    status: { ...base.status, ...(health && { health }), ...(draining !== undefined && { draining }) },
  };
}

function offered(runtimes: RuntimeRecord[], model?: string): Offer[] {
  return offersOf({ node: 'a', runtimes, obstacle: undefined, sentSince: () => 2 }, { model });
}

test('a model is known by its id, its short names, with its runtime, and the runtime by its own id', () => {
  const ranks = ['/models/qwen.gguf', 'r/qwen', 'r', 'qwen.gguf', 'other'].map(
    (name) => offered([record({})], name)[0]?.rank,
  );
  expect(ranks).toEqual([0, 1, 2, 3, undefined]);
  const [found] = offered([record({})], 'qwen');
  expect(found && nameAtGateway(found)).toBe('r//models/qwen.gguf');
  expect(nameAtGateway({ runtime: 'r', model: undefined })).toBe('r');
});

test('the jobs of a runtime are those that it tells and those sent since; unknown stays unknown', () => {
  const told = record({ health: { inflight_jobs: 1, queued_jobs: 3, capacity: 4 } });
  expect(offered([told], 'qwen')[0]).toMatchObject({ jobs: 6, capacity: 4 });
  expect(offered([record({ health: { capacity: 4 } })], 'qwen')[0]).toMatchObject({ jobs: undefined });
});

test('without a model any runtime of text will do, and one that drains takes nothing', () => {
  const offers = offered([
    record({ id: 'ears', modalities: ['audio'] }),
    record({ id: 'drains', draining: true }),
    record({ id: 'talks' }),
  ]);
  expect(offers.map(({ runtime, obstacle: against }) => [runtime, against?.detail])).toEqual([
    ['drains', 'a/drains: it drains and takes no new work; ask again when it is ready'],
    ['talks', undefined],
  ]);
});

test('nobody has it: the closest names are told', () => {
  const none = choose([], { model: 'qwem' }, ['qwen', 'llama'], 0);
  expect(none).toMatchObject({ ok: false, problem: { status: 404, closest: ['qwen', 'llama'] } });
  expect(choose([], {}, [], 0)).toMatchObject({ ok: false, problem: { status: 503 } });
});
