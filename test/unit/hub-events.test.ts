// What is news, who hears it, where a stream begins, and how an event is written.

import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { EVENT_KINDS, EventSchema, payloadSchemaOf, type EventDraft } from '../../contract/events.ts';
import { RUNTIME_STATES } from '../../contract/words.ts';
import {
  admits,
  EventsQuerySchema,
  gapsAfter,
  nextEventId,
  subscriptionOf,
} from '../../worker/domain/event-stream.ts';
import { endBody, eventBody, numbered, sseOf } from '../../worker/domain/event-text.ts';
import { jobEvents } from '../../worker/domain/job-events.ts';
import { retryAfterMs } from '../../worker/domain/outbox.ts';
import { newCommand } from '../../worker/domain/submit.ts';
import { nodeRemoved, nodeStale, transitions, type Word } from '../../worker/domain/transitions.ts';
import { holds } from '../support/property.ts';
import { emptyBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');

function word(runtimes = [runtimeRecord()], receivedAt = NOW): Word {
  return { snapshot: snapshot({ runtimes }), receivedAt };
}

function news(before: Word | undefined, after: Word, silentSince?: number): EventDraft[] {
  return transitions(before, { ...after, transport: 'socket', silentSince });
}

function fits(draft: EventDraft): boolean {
  const schema = payloadSchemaOf(draft.kind);
  return schema !== undefined && v.is(schema, draft.payload);
}

describe('news of a snapshot', () => {
  test('a heartbeat is none', () => {
    expect(news(word(), word([runtimeRecord()], NOW + 5000))).toEqual([]);
  });

  test('the last restart that is spent is news, and the next one that is free', () => {
    const reset = '2026-11-22T12:10:00.000Z';
    const full = runtimeRecord();
    const empty = runtimeRecord({ budget: emptyBudget(reset) });
    const [exhausted, ...others] = news(word([full]), word([empty]));
    expect(others).toEqual([]);
    expect(exhausted).toMatchObject({
      kind: 'runtime.budget.exhausted',
      payload: { node: 'gpu-01', runtime: 'llama.70b', max_restarts: 3, remaining: 0, reset_at: reset },
    });
    const [restored] = news(word([empty]), word([full]));
    expect(restored).toMatchObject({ kind: 'runtime.budget.restored', payload: { remaining: 3 } });
    for (const draft of [exhausted, restored]) expect(draft && fits(draft)).toBe(true);
    expect(news(word([empty]), word([empty]))).toEqual([]);
    expect(news(word([runtimeRecord({ id: 'other' }), empty]), word([empty]))).not.toContainEqual(
      expect.objectContaining({ kind: 'runtime.budget.exhausted' }),
    );
  });

  test('a window without restarts is switched off, not exhausted', () => {
    const off = { window_seconds: 600, max_restarts: 0, used: 0, remaining: 0 };
    expect(news(word(), word([runtimeRecord({ budget: off })]))).toEqual([]);
  });

  test('a first word is a node and the states of its runtimes', () => {
    const drafts = news(undefined, word());
    expect(drafts.map(({ kind }) => kind)).toEqual([
      'node.online',
      'runtime.state.changed',
      'models.changed',
    ]);
    expect(drafts[1]?.payload).toEqual({
      node: 'gpu-01',
      runtime: 'llama.70b',
      from: 'unknown',
      to: 'ready',
      severity: 'info',
      summary: 'Ready',
    });
    expect(drafts.every(fits)).toBe(true);
  });

  test('a state that changed is told with both states', () => {
    const [draft, ...others] = news(word(), word([runtimeRecord({ state: 'error' })], NOW + 7));
    expect(others).toEqual([]);
    expect(draft).toMatchObject({
      time: '2026-11-22T12:00:00.007Z',
      kind: 'runtime.state.changed',
      payload: { from: 'ready', to: 'error', severity: 'error' },
    });
  });

  test('a word after a silence that was told is the node again', () => {
    const drafts = news(word(), word(), NOW - 90_000);
    expect(drafts).toMatchObject([
      { kind: 'node.online', payload: { uplink: 'open', silent_since: '2026-11-22T11:58:30.000Z' } },
    ]);
  });

  test('a runtime that left the registry is told as unknown', () => {
    const [draft] = news(word(), word([]));
    expect(draft?.payload).toMatchObject({ from: 'ready', to: 'unknown', removed: true });
    expect(draft !== undefined && fits(draft)).toBe(true);
  });

  test('whoever keeps the states by the events has those of the last snapshot', () => {
    const registry = fc.uniqueArray(
      fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), state: fc.constantFrom(...RUNTIME_STATES) }),
      { selector: ({ id }) => id, maxLength: 4 },
    );
    holds(
      fc.property(fc.array(registry, { minLength: 1, maxLength: 8 }), (registries) => {
        const known: Record<string, unknown> = {};
        let before: Word | undefined;
        for (const runtimes of registries) {
          const after = word(runtimes.map(({ id, state }) => runtimeRecord({ id, state })));
          for (const { kind, payload } of news(before, after)) {
            if (kind !== 'runtime.state.changed') continue;
            expect(known[payload.runtime] ?? 'unknown').toBe(payload.from);
            if (payload.removed === true) delete known[payload.runtime];
            else known[payload.runtime] = payload.to;
          }
          before = after;
        }
        const last = Object.fromEntries((registries.at(-1) ?? []).map(({ id, state }) => [id, state]));
        // A runtime that never was anything but unknown is no news.
        for (const [id, state] of Object.entries(last)) expect(known[id] ?? 'unknown').toBe(state);
        expect(Object.keys(known).every((id) => id in last)).toBe(true);
      }),
      300,
    );
  });

  test('silence and removal say when the node was heard last', () => {
    const drafts = [nodeStale(word(), 60, NOW + 60_500), nodeRemoved('gpu-01', 'retention', NOW + 9e7, NOW)];
    expect(drafts.every(fits)).toBe(true);
    expect(drafts[0]).toMatchObject({
      time: '2026-11-22T12:01:00.500Z',
      payload: { received_at: '2026-11-22T12:00:00.000Z', label: 'Offline - No heartbeat for 60 s' },
    });
  });
});

describe('a restore', () => {
  const submitted = { node: 'gpu-01', runtime: 'llama.70b', kind: 'restore' as const, args: { force: true } };
  const queued = { ...newCommand(submitted, 'gpu-01:1', NOW), signature: '', ordinal: 1 };
  const failed = {
    ...queued,
    state: 'failed' as const,
    finishedAt: NOW + 5,
    error: { reason: 'x', message: 'y' },
  };

  test.each([
    ['that is new', undefined, queued, ['jobs.changed', 'runtime.restore.requested']],
    ['that was sent', queued, { ...queued, state: 'delivered' as const }, ['jobs.changed']],
    ['that was sent again', queued, { ...queued, attempts: 2 }, []],
    ['that ended', queued, failed, ['jobs.changed', 'runtime.restore.completed']],
    [
      'that was refused at once',
      undefined,
      failed,
      ['jobs.changed', 'runtime.restore.requested', 'runtime.restore.completed'],
    ],
    ['of another kind', undefined, { ...queued, kind: 'drain' as const }, ['jobs.changed']],
  ])('%s', (_name, before, after, kinds) => {
    const drafts = jobEvents(before, after);
    expect(drafts.map(({ kind }) => kind)).toEqual(kinds);
    expect(drafts.every(fits)).toBe(true);
  });

  test('that failed says why', () => {
    expect(jobEvents(queued, failed)).toMatchObject([
      { payload: { job_id: 'gpu-01:1', from: 'queued', state: 'failed', error: { reason: 'x' } } },
      { payload: { job_id: 'gpu-01:1', ok: false, state: 'failed', error: { reason: 'x' } } },
    ]);
  });
});

function parsed(query: Record<string, string>): ReturnType<typeof subscriptionOf> {
  return subscriptionOf(v.parse(EventsQuerySchema, query), undefined);
}

describe('a subscription', () => {
  test.each([
    [{ prefix: 'runtime.state.,node.' }, { prefixes: ['runtime.state.', 'node.'] }],
    [{ prefix: 'node.,' }, { prefixes: ['node.'] }],
    [{ replay: '10' }, { replay: 10 }],
    [{ replay: '10', after: '7' }, { after: 7 }],
    [{}, {}],
  ])('%j', (query, subscription) => {
    expect(parsed(query)).toEqual(subscription);
  });

  test('what a browser sends when it connects again counts more than what its address says', () => {
    const query = v.parse(EventsQuerySchema, { replay: '10', after: '7' });
    expect(subscriptionOf(query, 9)).toEqual({ after: 9 });
    expect(subscriptionOf(query, '')).toEqual({ after: 7 });
  });

  test.each([
    [{ prefix: '' }],
    [{ prefix: ',' }],
    [{ prefix: 'Node.' }],
    [{ replay: '-1' }],
    [{ replay: '1001' }],
    [{ after: 'x' }],
    [{ after: '9999999999999999' }],
    [{ since: '1' }],
  ])('%j is refused', (query) => {
    expect(v.is(EventsQuerySchema, query)).toBe(false);
  });

  test('hears what its prefixes begin, and what is of the stream itself', () => {
    expect(admits(undefined, 'node.online')).toBe(true);
    expect(admits(['node.', 'runtime.state.'], 'runtime.state.changed')).toBe(true);
    expect(admits(['node.'], 'runtime.state.changed')).toBe(false);
    expect(admits(['node.'], 'stream.gap')).toBe(true);
  });
});

describe('an id', () => {
  test('grows, whatever the clock does, and over a life without memory of what was not logged', () => {
    holds(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 30 }), (steps) => {
        let last = 0;
        let now = NOW;
        for (const step of steps) {
          now += step;
          const id = nextEventId(last, now);
          expect(id).toBeGreaterThan(last);
          expect(Number.isSafeInteger(id)).toBe(true);
          last = id;
        }
      }),
    );
    expect(nextEventId(0, NOW + 1)).toBeGreaterThan(nextEventId(0, NOW) + 900);
  });
});

describe('a stream that resumes', () => {
  const reach = { first: 500, before: 490, trimmed: true };
  const reasons = (after: number, prefixes = ['node.'], log: typeof reach | undefined = reach): string[] =>
    gapsAfter({ after, prefixes }, log, 1000).map(({ reason }) => reason);

  test.each([
    ['where the log reaches', 490, []],
    ['within the log', 700, []],
    ['before the log', 489, ['trimmed']],
    ['from the beginning of a log that lost it', 0, ['trimmed']],
    ['after an id that was never given', 1000, ['unknown-id']],
  ])('%s', (_name, after, expected) => {
    expect(reasons(after)).toEqual(expected);
  });

  test('from the beginning of a log that has it', () => {
    expect(gapsAfter({ after: 0, prefixes: ['node.'] }, { ...reach, trimmed: false }, 1000)).toEqual([]);
    expect(gapsAfter({ after: 0, prefixes: ['node.'] }, undefined, 1000)).toEqual([]);
    expect(gapsAfter({ after: 5, prefixes: ['node.'] }, undefined, 1000)).toHaveLength(1);
  });

  test('says what is in no log, where that is asked for', () => {
    expect(reasons(700, ['runtime.'])).toEqual(['unlogged']);
    expect(reasons(700, ['state.'])).toEqual(['unlogged']);
    expect(reasons(700, ['runtime.state.'])).toEqual([]);
    expect(gapsAfter({}, reach, 1000)).toEqual([]);
  });
});

describe('an event as text', () => {
  test('is the same over both ways, whatever its payload holds', () => {
    holds(
      fc.property(
        fc.constantFrom(...EVENT_KINDS),
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        (kind, payload, id) => {
          const time = new Date(NOW).toISOString();
          const message = numbered(id, eventBody({ time, kind, payload }));
          const sse = sseOf(message);
          const [first, second, third, ...rest] = (sse?.text ?? '').split('\n');
          expect(rest).toEqual(['', '']);
          expect(first).toBe(`id: ${id}`);
          expect(second).toBe(`event: ${kind}`);
          const data: unknown = JSON.parse((third ?? '').replace(/^data: /, ''));
          expect(Object.keys(v.parse(EventSchema, data))).toEqual(['time', 'kind', 'payload']);
          expect({ id: String(id), ...Object(data) }).toEqual(JSON.parse(message));
        },
      ),
      300,
    );
  });

  test('of the stream itself has no id, so that a browser keeps the last one', () => {
    const sse = sseOf(endBody({ reason: 'slow-reader', message: 'x' }, new Date(NOW).toISOString()));
    expect(sse?.text).toMatch(/^event: stream\.end\ndata: \{"time":"[^"]+","kind":"stream\.end",/);
  });

  test('that is none of ours is none', () => {
    expect(sseOf('pong')).toBeUndefined();
    expect(sseOf('{"kind":"x"}')).toBeUndefined();
  });
});

test('a failure to tell is followed by longer and longer waits, up to a limit', () => {
  expect([1, 2, 3, 99].map(retryAfterMs)).toEqual([500, 1000, 2000, 30_000]);
});
