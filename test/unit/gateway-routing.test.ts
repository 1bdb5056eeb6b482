// Where a request goes: by name, by state, by load.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { routableOf, type Routable } from '../../reporter/gateway/routable.ts';
import { route } from '../../reporter/gateway/routing.ts';
import { notReady, unknownModel } from '../../reporter/gateway/turned-away.ts';
import { holds } from '../support/property.ts';
import { model, routable } from '../support/routable.ts';
import { runtimeRecord } from '../support/snapshot.ts';

/** `runtime` or `runtime=model` where the body must name another model, in the order in which they are tried. */
function tried(
  name: string | undefined,
  runtimes: Routable[],
  inflight: Record<string, number> = {},
): string[] {
  const routing = route(name, runtimes, new Map(Object.entries(inflight)));
  if (routing.kind !== 'candidates') return [routing.kind];
  return routing.candidates.map(
    (found) => found.runtime.id + (found.model === undefined ? '' : `=${found.model}`),
  );
}

describe('names', () => {
  const qwen = routable('llama.q', { models: [model('/models/Qwen3-8B.gguf')] });
  const router = routable('router', { models: [model('a/b'), model('c', 'unloaded')] });
  const program = routable('tool');
  const all = [qwen, router, program];

  test.each([
    ['/models/Qwen3-8B.gguf', ['llama.q']],
    ['Qwen3-8B.gguf', ['llama.q=/models/Qwen3-8B.gguf']],
    ['Qwen3-8B', ['llama.q=/models/Qwen3-8B.gguf']],
    ['llama.q', ['llama.q=/models/Qwen3-8B.gguf']],
    ['llama.q/Qwen3-8B', ['llama.q=/models/Qwen3-8B.gguf']],
    ['a/b', ['router']],
    ['b', ['router=a/b']],
    ['router/c', ['router=c']],
    ['router', ['router=a/b']],
    ['tool', ['tool']],
    ['tool/some/model', ['tool=some/model']],
    ['nobody', ['unknown-model']],
    ['llama.q/other', ['unknown-model']],
    ['', ['unknown-model']],
  ])('%s', (name, expected) => {
    expect(tried(name, all)).toEqual(expected);
  });

  test("a model's own id is never taken for another one's short name", () => {
    const short = routable('long', { models: [model('org/qwen')] });
    const own = routable('own', { models: [model('qwen')] });
    expect(tried('qwen', [short, own])).toEqual(['own']);
  });

  test('an unknown one is answered with the closest', () => {
    expect(route('Qwen3-8b', all, new Map())).toMatchObject({ kind: 'unknown-model' });
    const routing = route('rooter', all, new Map());
    expect(routing).toMatchObject({ closest: expect.arrayContaining(['router']) });
    expect(unknownModel('rooter', ['router', 'c'])).toMatchObject({
      reason: 'unknown-model',
      detail: 'No runtime of this node serves "rooter"; closest are router, c',
      extensions: { closest: ['router', 'c'] },
    });
  });
});

describe('without a name', () => {
  test('the only one that serves', () => {
    expect(tried(undefined, [routable('a'), routable('b', { state: 'offline', accepting: false })])).toEqual([
      'a',
    ]);
  });
  test('several: nobody guesses', () => {
    const runtimes = [routable('a', { models: [model('m')] }), routable('b')];
    expect(route(undefined, runtimes, new Map())).toEqual({ kind: 'model-required', known: ['m', 'a', 'b'] });
  });
  test('none', () => {
    expect(tried(undefined, [])).toEqual(['not-ready']);
  });
});

const serving = (id: string, more: Partial<Routable> = {}): Routable =>
  routable(id, { models: [model('m')], ...more });

describe('several with the same model', () => {
  test('the one with the fewest requests of ours', () => {
    expect(tried('m', [serving('a'), serving('b')], { a: 2, b: 1 })).toEqual(['b', 'a']);
  });
  test('measured by what they can take', () => {
    const runtimes = [serving('small', { capacity: 1 }), serving('large', { capacity: 8 })];
    expect(tried('m', runtimes, { small: 1, large: 4 })).toEqual(['large', 'small']);
  });
  test('then what they report', () => {
    const runtimes = [serving('a', { reportedJobs: 3 }), serving('b', { reportedJobs: 0 })];
    expect(tried('m', runtimes)).toEqual(['b', 'a']);
  });
  test('ready before degraded, loaded before unloaded, whatever their load', () => {
    const runtimes = [
      serving('degraded', { state: 'degraded' }),
      routable('unloaded', { models: [model('m', 'unloaded')] }),
      serving('busy', { reportedJobs: 9 }),
    ];
    expect(tried('m', runtimes, { busy: 9 })).toEqual(['busy', 'unloaded', 'degraded']);
  });
  test('never one that takes no new work', () => {
    expect(tried('m', [serving('draining', { accepting: false }), serving('b')])).toEqual(['b']);
  });
});

describe('an endpoint elsewhere', () => {
  const elsewhere = routable('cloud', { isElsewhere: true, models: [model('m'), model('only')] });

  test('is asked for what only it has, and by its own name', () => {
    expect(tried('only', [elsewhere, serving('a')])).toEqual(['cloud']);
    expect(tried('cloud/m', [elsewhere, serving('a')])).toEqual(['cloud=m']);
  });
  test('gets nothing that this host has, also while that is down or busy, and nothing without a name', () => {
    expect(tried('m', [elsewhere, serving('a')], { a: 9 })).toEqual(['a']);
    expect(tried('m', [elsewhere, serving('a', { state: 'error', accepting: false })])).toEqual([
      'not-ready',
    ]);
    expect(tried(undefined, [elsewhere])).toEqual(['not-ready']);
  });
  test('is never asked where it is not opted in', () => {
    expect(tried('only', [{ ...elsewhere, endpoint: undefined }])).toEqual(['not-ready']);
  });
});

const SERVING = { accepting: true, lastModels: ['old'] };
const STOPPED = { accepting: false, lastModels: ['m'] };

test('a record is as the gateway needs it; one that drains takes no new work', () => {
  const record = runtimeRecord({ model: 'm' });
  const endpoint = { origin: 'http://127.0.0.1:1', headers: {} };
  const busy = { ...record.status, health: { capacity: 4, inflight_jobs: 1, queued_jobs: 2 } };
  expect(routableOf({ ...record, status: busy }, endpoint, SERVING)).toMatchObject({
    id: 'llama.70b',
    models: [{ id: 'm' }],
    accepting: true,
    isElsewhere: false,
    capacity: 4,
    reportedJobs: 3,
  });
  const draining = { ...record, status: { ...busy, draining: true } };
  expect(routableOf(draining, endpoint, SERVING).accepting).toBe(false);
  expect(routableOf(runtimeRecord({ state: 'starting' }), endpoint, SERVING).accepting).toBe(false);
  expect(routableOf(record, undefined, SERVING)).toMatchObject({ accepting: false, reportedJobs: undefined });
});

test('one that is being stopped takes no new work, however it is described', () => {
  const endpoint = { origin: 'http://127.0.0.1:1', headers: {} };
  expect(routableOf(runtimeRecord({ state: 'degraded' }), endpoint, STOPPED).accepting).toBe(false);
});

test.each(['offline', 'starting', 'error'] as const)(
  'while a runtime of this host is %s, what it served last goes to no other host',
  (state) => {
    const endpoint = { origin: 'http://127.0.0.1:1', headers: {} };
    const cloud = routable('cloud', { isElsewhere: true, models: [model('m')] });
    const { descriptor, status } = runtimeRecord({ state });
    const { models: _, ...silent } = descriptor;
    const down = routableOf({ descriptor: silent, status }, endpoint, STOPPED);
    expect(tried('m', [cloud, down])).toEqual(['not-ready']);
    // Up again, it serves what it says, and no model of the past.
    const up = routableOf(runtimeRecord({ model: 'new' }), endpoint, { accepting: true, lastModels: ['m'] });
    expect(tried('m', [cloud, up])).toEqual(['cloud']);
  },
);

describe('known and not ready', () => {
  test.each([
    [
      routable('a', { state: 'starting', accepting: false, summary: 'Loading model' }),
      'a: Loading model',
      true,
    ],
    [routable('a', { accepting: false }), 'a: Ready, but takes no new work', true],
    [
      routable('a', { state: 'error', accepting: false, summary: 'Model file is missing' }),
      'a: Model file is missing',
      false,
    ],
    [routable('a', { state: 'offline', accepting: false, summary: 'Stopped' }), 'a: Stopped', false],
  ])('in its own words: $summary', (runtime, detail, passes) => {
    expect(route('a', [runtime], new Map())).toEqual({ kind: 'not-ready', runtimes: [runtime] });
    const refusal = notReady([runtime]);
    expect(refusal.detail).toBe(detail);
    expect(refusal.headers).toEqual(passes ? { 'retry-after': '5' } : undefined);
  });
});

test('whatever runs: only what takes work is tried, each once, the same way each time', () => {
  const state = fc.constantFrom('unknown', 'starting', 'ready', 'degraded', 'error', 'offline');
  const runtime = fc.record({
    state,
    accepting: fc.boolean(),
    jobs: fc.nat(9),
    own: fc.nat(9),
    name: fc.constantFrom('m', 'x/m', 'n'),
  });
  holds(
    fc.property(
      fc.array(runtime, { maxLength: 6 }),
      fc.option(fc.constantFrom('m', 'n', 'r0', 'r1/m'), { nil: undefined }),
      (drawn, name) => {
        const runtimes = drawn.map(({ state: slug, accepting, jobs, name: id }, index) =>
          routable(`r${index}`, { state: slug, accepting, reportedJobs: jobs, models: [model(id)] }),
        );
        const inflight = Object.fromEntries(drawn.map(({ own }, index) => [`r${index}`, own]));
        const order = tried(name, runtimes, inflight);
        expect(tried(name, runtimes.toReversed(), inflight)).toEqual(order);
        expect(new Set(order).size).toBe(order.length);
        const routing = route(name, runtimes, new Map(Object.entries(inflight)));
        if (routing.kind !== 'candidates') return;
        for (const { runtime: found } of routing.candidates) {
          expect(found.accepting).toBe(true);
          expect(['ready', 'degraded', 'unknown']).toContain(found.state);
        }
      },
    ),
  );
});
