// The sentence of each event, in the width of a terminal.

import * as fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { EVENT_PAYLOADS, type Event } from '../../contract/events.ts';
import { pauseAfter, placeAt, renderEvent } from '../../cli/commands/events-tail.ts';
import { toText } from '../../cli/render/line.ts';
import { holds } from '../support/property.ts';
import { snapshot } from '../support/snapshot.ts';

const AT = '2026-11-22T12:00:00.000Z';
const SAID = '2026-11-22T12:00:00Z  ';
const ON = { node: 'gpu-01', runtime: 'llama.70b' };
const ACTION = { ...ON, id: 'gpu-01:act-1', kind: 'chat.respond', backend: 'llama.cpp', model: 'qwen' };

function event(kind: string, payload: Event['payload']): Event {
  return { id: '1', time: AT, kind, payload };
}

const EVENTS: [string, Event['payload'], string][] = [
  [
    'runtime.state.changed',
    { ...ON, from: 'ready', to: 'degraded', severity: 'warn', summary: 'Wedged' },
    'gpu-01/llama.70b is Degraded (was Ready): Wedged',
  ],
  [
    'runtime.state.changed',
    { ...ON, from: 'starting', to: 'ready', severity: 'info', summary: 'Ready' },
    'gpu-01/llama.70b is Ready (was Starting)',
  ],
  [
    'runtime.state.changed',
    { ...ON, from: 'ready', to: 'unknown', severity: 'info', summary: 'x', removed: true },
    'gpu-01/llama.70b left the registry of its node (was Ready)',
  ],
  [
    'runtime.budget.exhausted',
    { ...ON, max_restarts: 3, window_seconds: 600, remaining: 0 },
    'gpu-01/llama.70b has no restart left of 3 in 600 s',
  ],
  [
    'runtime.budget.restored',
    { ...ON, max_restarts: 3, window_seconds: 600, remaining: 1 },
    'gpu-01/llama.70b may restart again; 1 left',
  ],
  [
    'runtime.restore.requested',
    { ...ON, job_id: 'j', args: {} },
    'a restore of gpu-01/llama.70b was asked for; job j',
  ],
  [
    'runtime.restore.completed',
    { ...ON, job_id: 'j', ok: true, state: 'completed' },
    'the restore of gpu-01/llama.70b is done',
  ],
  [
    'runtime.restore.completed',
    { ...ON, job_id: 'j', ok: false, state: 'failed', error: { reason: 'r', message: 'No model' } },
    'the restore of gpu-01/llama.70b failed: No model',
  ],
  [
    'jobs.changed',
    { ...ON, job_id: 'j', kind: 'drain', from: 'queued', state: 'running' },
    'drain of gpu-01/llama.70b is running (was queued); job j',
  ],
  [
    'models.changed',
    {
      node: 'gpu-01',
      changes: [
        { runtime: 'r', model: 'a', to: 'loaded' },
        { runtime: 'r', model: 'b', from: 'loaded' },
        { runtime: 'r', model: 'c', from: 'loading', to: 'loaded' },
        { runtime: 'r', model: 'd', to: 'loaded' },
      ],
      more: 2,
    },
    'gpu-01/r has a now (loaded); gpu-01/r has b no more; c of gpu-01/r is loaded (was loading); and 3 more',
  ],
  ['node.online', { node: 'gpu-01', received_at: AT, uplink: 'open' }, 'node gpu-01 is heard (uplink open)'],
  [
    'node.online',
    { node: 'gpu-01', received_at: AT, uplink: 'open', silent_since: AT },
    'node gpu-01 is heard again; it was silent since 2026-11-22T12:00:00Z',
  ],
  [
    'node.stale',
    { node: 'gpu-01', received_at: AT, expires_at: AT, label: 'Offline - No heartbeat for 60 s' },
    'node gpu-01 is past its TTL: Offline - No heartbeat for 60 s',
  ],
  ['node.removed', { node: 'gpu-01', reason: 'operator' }, 'node gpu-01 was removed by an operator'],
  ['node.removed', { node: 'gpu-01', reason: 'retention' }, 'node gpu-01 was forgotten after a long silence'],
  ['actions.submitted', ACTION, 'a chat with qwen on gpu-01/llama.70b (gpu-01:act-1) was asked for'],
  ['actions.running', ACTION, 'a chat with qwen on gpu-01/llama.70b (gpu-01:act-1) is being answered'],
  [
    'actions.completed',
    { ...ACTION, latency_ms: 1234 },
    'a chat with qwen on gpu-01/llama.70b (gpu-01:act-1) was answered in 1.2 s',
  ],
  [
    'actions.failed',
    { ...ACTION, latency_ms: 1234, error: { reason: 'cancelled', message: 'Cancelled' } },
    'a chat with qwen on gpu-01/llama.70b (gpu-01:act-1) failed in 1.2 s: Cancelled',
  ],
  ['runtime.health', { ...snapshot() }, 'node gpu-01 says: Ready - Runtime telemetry nominal'],
  [
    'state.read.model.patch',
    { id: 'runtime_matrix', shard: 'shard-0', base: 1, version: 2, patch: [{ op: 'remove', path: '/a' }] },
    'runtime_matrix of shard-0 is at version 2 (1 change)',
  ],
  [
    'stream.gap',
    { reason: 'trimmed', message: 'Load again' },
    'something is missing here (trimmed): Load again',
  ],
  ['stream.end', { reason: 'hub-gone', message: 'It restarted' }, 'the stream ends (hub-gone): It restarted'],
  ['node.drained', { node: 'gpu-01' }, 'node.drained {"node":"gpu-01"}'],
  ['node.stale', { node: 7 }, 'node.stale {"node":7}'],
];

test.each(EVENTS)('%s %j', (kind, payload, words) => {
  expect(toText(renderEvent(event(kind, payload), undefined))).toBe(`${SAID}${words}\n`);
});

test('every kind that a hub makes has a sentence', () => {
  const told = new Set(EVENTS.map(([kind]) => kind));
  expect(Object.keys(EVENT_PAYLOADS).filter((kind) => !told.has(kind))).toEqual([]);
});

test('no line of it is wider than the terminal', () => {
  const label = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 });
  holds(
    fc.property(
      fc.constantFrom(...EVENTS),
      label,
      fc.integer({ min: 12, max: 120 }),
      ([kind, payload], words, columns) => {
        const lines = toText(
          renderEvent(event(kind, { ...payload, label: words, summary: words }), columns),
        ).split('\n');
        expect(lines.filter((line) => stringWidth(line) > columns)).toEqual([]);
      },
    ),
  );
});

test('a stream without an event yet has the time of the hub for its place', () => {
  expect(placeAt('Sun, 22 Nov 2026 12:00:00 GMT')).toBe('1795348800000000');
  expect(placeAt(undefined)).toBeUndefined();
  expect(placeAt('soon')).toBeUndefined();
});

test('a broken connection is tried again after longer and longer pauses, never longer than 15 s', () => {
  expect([1, 2, 3, 10].map((failures) => pauseAfter(failures, 1))).toEqual([1000, 2000, 4000, 15_000]);
  expect(pauseAfter(10, 0)).toBe(250);
});
