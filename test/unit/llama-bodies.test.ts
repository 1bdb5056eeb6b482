// Reading llama-server's answers: the captured bodies of a real one, and what is no such body.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import {
  isLoadingAnswer,
  readMetrics,
  readModels,
  readProps,
  readSlots,
} from '../../reporter/backends/llama-bodies.ts';
import type { HttpLook } from '../../reporter/backends/http-probe.ts';
import { unlabelledSamples } from '../../reporter/backends/prometheus.ts';
import { ModelSchema } from '../../contract/runtime-record.ts';
import { answer, captured } from '../support/http-answers.ts';
import { holds } from '../support/property.ts';

const LOADING = '{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}';

function slots(file: string): ReturnType<typeof readSlots> {
  return readSlots(answer(captured(file)));
}

function markOf(nextToken: unknown): string {
  const slot = { id: 2, is_processing: true, id_task: 5, next_token: nextToken };
  const read = readSlots(answer(JSON.stringify([slot])));
  return read.kind === 'known' ? read.value.mark : read.reason;
}

describe('captured bodies', () => {
  test('slots before any request, idle, and with one decoding', () => {
    const idle = { kind: 'known', value: { capacity: 4, busy: 0, mark: '' } };
    expect(slots('slots.fresh.json')).toEqual(idle);
    expect(slots('slots.idle.json')).toEqual(idle);
    expect(slots('slots.busy.json')).toEqual({
      kind: 'known',
      // Slot 0 at task 16: one token of its prompt, 343 of its answer.
      value: { capacity: 4, busy: 1, mark: '0:16:1:343' },
    });
  });
  test('the mark of busy slots moves with each token, in newer builds and in older ones', () => {
    expect(markOf([{ n_decoded: 7 }])).toBe('2:5::7');
    expect(markOf({ n_decoded: 8 })).toBe('2:5::8');
  });
  test('properties', () => {
    expect(readProps(answer(captured('props.json')))).toEqual({
      kind: 'known',
      value: { sleeping: false, totalSlots: 4 },
    });
    const asleep = JSON.stringify({ ...JSON.parse(captured('props.json')), is_sleeping: true });
    expect(readProps(answer(asleep))).toMatchObject({ value: { sleeping: true } });
  });
  test('models', () => {
    expect(readModels(answer(captured('models.json')))).toEqual({
      kind: 'known',
      value: [{ id: 'tiny.gguf', state: 'loaded', context: 512 }],
    });
  });
  test('metrics: the counters, never the gauges that a read resets', () => {
    expect(readMetrics(answer(captured('metrics.txt')))).toEqual({
      kind: 'known',
      value: {
        counters: {
          promptTokens: 21,
          promptSeconds: 0.004465,
          predictedTokens: 12,
          predictedSeconds: 0.002236,
        },
        queued: 0,
        processing: 0,
      },
    });
  });
  test('a server that loads', () => {
    expect(isLoadingAnswer(answer(LOADING, 503))).toBe(true);
    expect(isLoadingAnswer(answer(captured('health.ok.200.json')))).toBe(false);
    expect(isLoadingAnswer(answer('upstream is down', 503))).toBe(false);
    expect(isLoadingAnswer(answer('Loading model', 200))).toBe(false);
  });
});

const readers = [
  ['slots', readSlots],
  ['properties', readProps],
  ['models', readModels],
  ['metrics', readMetrics],
] as const;

describe.each(readers)('%s that cannot be read are unknown with a reason, never 0', (_what, read) => {
  test.each<[string, HttpLook, RegExp]>([
    ['a timeout', { kind: 'timeout', reason: 'timeout after 3000 ms' }, /^timeout after 3000 ms$/],
    ['nobody there', { kind: 'unreachable', reason: 'connection refused' }, /^connection refused$/],
    ['503 while loading', answer(LOADING, 503), /^HTTP 503$/],
    ['401', answer('{}', 401), /^HTTP 401: the API key is missing in the manifest$/],
    ['501 where it is switched off', answer('{}', 501), /^HTTP 501$/],
    ['an empty body', answer(''), /./],
    ['a page', answer('<html><body>502 Bad Gateway</body></html>'), /./],
    ['null', answer('null'), /./],
    ['a body that is cut short', answer('[{"id":0,"is_proc'), /./],
  ])('%s', (_case, look, reason) => {
    const reading = read(look);
    expect(reading.kind).toBe('unknown');
    expect(reading).toHaveProperty('reason', expect.stringMatching(reason));
  });
});

describe('bodies of another build', () => {
  test('a slot without is_processing makes the load unknown, with the place', () => {
    expect(readSlots(answer('[{"id":0,"is_processing":true},{"id":1}]'))).toEqual({
      kind: 'unknown',
      reason: 'unexpected body at 1.is_processing',
    });
  });
  test('no slots at all are a capacity of 0, since the server said so', () => {
    expect(readSlots(answer('[]'))).toEqual({ kind: 'known', value: { capacity: 0, busy: 0, mark: '' } });
  });
  test('a build that knows no sleep does not sleep', () => {
    expect(readProps(answer('{"total_slots":1}'))).toMatchObject({
      value: { sleeping: false, totalSlots: 1 },
    });
  });
  test('a model without meta has no context', () => {
    expect(readModels(answer('{"data":[{"id":"m"},{"id":"n","meta":null}]}'))).toEqual({
      kind: 'known',
      value: [
        { id: 'm', state: 'loaded' },
        { id: 'n', state: 'loaded' },
      ],
    });
  });
  test.each([
    ['half a slot', readProps, '{"total_slots":1.5}'],
    ['a negative context', readModels, '{"data":[{"id":"m","meta":{"n_ctx":-1}}]}'],
    ['a name that is too long for the wire', readModels, JSON.stringify({ data: [{ id: 'x'.repeat(300) }] })],
    ['a name of nothing', readModels, '{"data":[{"id":""}]}'],
  ])('%s is unknown: the hub would refuse the whole snapshot', (_what, read, body) => {
    expect(read(answer(body)).kind).toBe('unknown');
  });
  test('metrics without one of the counters are unknown', () => {
    const text = captured('metrics.txt').replaceAll('llamacpp:prompt_seconds_total', 'llamacpp:renamed');
    expect(readMetrics(answer(text))).toEqual({
      kind: 'unknown',
      reason: '/metrics lacks the token counters',
    });
  });
  test('a counter that is no number is not there', () => {
    const text = captured('metrics.txt').replace(/^(llamacpp:tokens_predicted_total) .*$/m, '$1 NaN');
    expect(readMetrics(answer(text)).kind).toBe('unknown');
  });
  test('a queue that is no count is left out', () => {
    const text = captured('metrics.txt').replace(/^(llamacpp:requests_deferred) .*$/m, '$1 -1');
    expect(readMetrics(answer(text))).toMatchObject({ kind: 'known', value: { queued: undefined } });
  });
});

describe('Prometheus text', () => {
  test('samples with labels are not taken for the sum', () => {
    expect(unlabelledSamples('a{x="1"} 5\nb 7\n')).toEqual(new Map([['b', 7]]));
  });
  test('no samples at all are no answer', () => {
    expect(unlabelledSamples('# HELP a b\n')).toBeUndefined();
  });
});

test('property: no body whatever makes a reader throw, or a model that the wire refuses', () => {
  holds(
    fc.property(fc.oneof(fc.string(), fc.json()), fc.constantFrom(200, 404, 500, 503), (body, status) => {
      const look = answer(body, status);
      for (const [, read] of readers) expect(['known', 'unknown']).toContain(read(look).kind);
      const models = readModels(look);
      expect(models.kind === 'unknown' || v.is(v.array(ModelSchema), models.value)).toBe(true);
    }),
  );
});
