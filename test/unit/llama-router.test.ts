// A router's list of models as it is read, and whose work is judged where several models work.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sumOf } from '../../reporter/backends/llama-health.ts';
import { readRouterModels } from '../../reporter/backends/llama-router-bodies.ts';
import { slowestWork, type ModelWork, type WorkMarks } from '../../reporter/backends/llama-slowest-work.ts';
import { isRouter } from '../../reporter/backends/llama-launch.ts';
import { answer, captured } from '../support/http-answers.ts';
import { holds } from '../support/property.ts';

const listed = (...statuses: object[]) =>
  readRouterModels(
    answer(JSON.stringify({ data: statuses.map((status, index) => ({ id: `m${index}`, status })) })),
  );

const busy = (model: string, mark: string): ModelWork => ({
  model,
  work: { kind: 'busy', slots: 1, mark },
});
const unknown = (model: string): ModelWork => ({ model, work: { kind: 'unknown' } });
const play = (looks: readonly ModelWork[][]) => {
  let marks: WorkMarks = new Map();
  return looks.map((works, index) => {
    const next = slowestWork(marks, works, index * 1_000);
    marks = next.marks;
    return next.work;
  });
};

describe('the list', () => {
  test('of a real router: one model loaded, one not, and nothing of their command lines', () => {
    const read = readRouterModels(answer(captured('router.models.json')));
    expect(read).toEqual({
      kind: 'known',
      value: [
        { id: 'tiny-a', aliases: [], state: 'loaded', context: 2048, sleepIdleMs: undefined },
        { id: 'tiny-b', aliases: [], state: 'unloaded', sleepIdleMs: undefined },
      ],
    });
    expect(JSON.stringify(read)).not.toContain('/');
  });
  test('a model that failed is listed as unloaded, and told as failed with its exit code', () => {
    expect(listed({ value: 'unloaded', failed: true, exit_code: 1 })).toMatchObject({
      value: [{ state: 'failed', exitCode: 1 }],
    });
    // It failed before; now it is being loaded again.
    expect(listed({ value: 'loading', failed: true, exit_code: 1 })).toMatchObject({
      value: [{ state: 'loading' }],
    });
  });
  test.each(['unloaded', 'loading', 'loaded', 'sleeping', 'downloading'])('%s', (value) => {
    expect(listed({ value })).toMatchObject({ value: [{ state: value }] });
  });
  test('a state that a newer build has is unknown', () => {
    expect(listed({ value: 'hibernating' })).toMatchObject({ value: [{ state: 'unknown' }] });
  });
  test('when a model goes to sleep is read from its command line', () => {
    expect(listed({ value: 'loaded', args: ['--sleep-idle-seconds', '60'] })).toMatchObject({
      value: [{ sleepIdleMs: 60_000 }],
    });
  });
  test.each([
    ['401', answer('{}', 401), 'HTTP 401: the API key is missing in the manifest'],
    [
      'a list of a server that is no router',
      answer(captured('models.json')),
      'unexpected body at data.0.status',
    ],
  ])('%s is unknown', (_what, look, reason) => {
    expect(readRouterModels(look)).toEqual({ kind: 'unknown', reason });
  });
});

describe('the work that is judged', () => {
  test('of one model is its own', () => {
    expect(play([[busy('a', '1')]])).toEqual([{ kind: 'busy', slots: 1, mark: 'a 1', model: 'a' }]);
  });
  test('is that of the one that stands still, while others move', () => {
    const judged = play([
      [busy('a', '1'), busy('b', '1')],
      [busy('a', '2'), busy('b', '1')],
      [busy('a', '3'), busy('b', '1')],
    ]);
    expect(judged.slice(1)).toMatchObject([{ mark: 'b 1' }, { mark: 'b 1' }]);
  });
  test('is unknown while the one that stands still cannot be asked, whatever others do', () => {
    const judged = play([
      [busy('b', '1')],
      [busy('a', '1'), busy('b', '1')],
      [busy('a', '2'), unknown('b')],
      [busy('a', '3'), busy('b', '1')],
    ]);
    expect(judged.slice(1)).toMatchObject([{ mark: 'b 1' }, { kind: 'unknown' }, { mark: 'b 1' }]);
  });
  test('is nothing where nothing is at work', () => {
    expect(play([[busy('a', '1')], [{ model: 'a', work: undefined }], []])[2]).toBeUndefined();
  });
  test('property: a model that never moves is judged from the second look on', () => {
    const others = fc.array(fc.array(fc.tuple(fc.constantFrom('b', 'c'), fc.nat()), { maxLength: 2 }), {
      minLength: 2,
    });
    holds(
      fc.property(others, (looks) => {
        const judged = play(
          looks.map((works, index) => [
            ...works.map(([model, mark]) => busy(model, `${index} ${mark}`)),
            busy('stuck', '1'),
          ]),
        );
        for (const work of judged.slice(1)) expect(work).toMatchObject({ model: 'stuck', mark: 'stuck 1' });
      }),
    );
  });
});

test('sums: unknown where a part is, except for a pace that nobody has', () => {
  const idle = { slots: { capacity: 4, busy: 1 }, queued: 0, pace: {} };
  const working = { ...idle, pace: { predictedTokensPerSecond: 10.1 } };
  expect(sumOf([idle, working, working])).toEqual({
    slots: { capacity: 12, busy: 3 },
    queued: 0,
    pace: { predictedTokensPerSecond: 20.2 },
  });
  expect(sumOf([working, { pace: {} }])).toEqual({ pace: { predictedTokensPerSecond: 10.1 } });
});

test.each<[string[], Record<string, string>, boolean]>([
  [[], {}, true],
  [['--models-dir', '/m'], {}, true],
  [['-m', '/m/x.gguf'], {}, false],
  [['--hf-repo=user/model'], {}, false],
  [['--gpt-oss-20b-default'], {}, false],
  [[], { LLAMA_ARG_MODEL: '/m/x.gguf' }, false],
])('%j with %j routes: %s', (args, env, routes) => {
  expect(isRouter({ args, env })).toBe(routes);
});
