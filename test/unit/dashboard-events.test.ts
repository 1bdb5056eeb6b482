// The event feed: a sentence for every kind that the hub makes, bounded, each event once.

import { describe, expect, test } from 'vitest';
import { EVENT_PAYLOADS, type Event } from '../../contract/events.ts';
import {
  EMPTY_FEED,
  FEED_MAX,
  type FeedFilter,
  paused,
  resumed,
  shownBy,
  withEvent,
} from '../../dashboard/view-model/event-feed.ts';
import { agoChangesInMs, agoWords, exactTime } from '../../dashboard/view-model/event-time.ts';
import { eventWords } from '../../dashboard/view-model/event-words.ts';

const TIME = '2026-11-22T12:34:56.789Z';
const about = { node: 'gpu-01', runtime: 'llama' };
const chat = { ...about, id: 'a1', kind: 'chat.respond', backend: 'llama.cpp', model: 'qwen' };

const SENTENCES: [string, Record<string, unknown>, string][] = [
  [
    'runtime.state.changed',
    {
      ...about,
      from: 'ready',
      to: 'starting',
      severity: 'warn',
      summary: 'Restarting in 1.0 s (exit code 139)',
    },
    'gpu-01/llama went from Ready to Starting: Restarting in 1.0 s (exit code 139)',
  ],
  [
    'runtime.state.changed',
    { ...about, from: 'starting', to: 'ready', severity: 'info', summary: 'Ready' },
    'gpu-01/llama went from Starting to Ready',
  ],
  [
    'runtime.state.changed',
    { ...about, from: 'ready', to: 'unknown', severity: 'warn', summary: 'Gone', removed: true },
    'gpu-01/llama left the registry of its node',
  ],
  [
    'jobs.changed',
    { ...about, job_id: 'j', kind: 'drain', state: 'running' },
    'Drain of gpu-01/llama has begun',
  ],
  [
    'jobs.changed',
    {
      ...about,
      job_id: 'j',
      kind: 'load',
      state: 'failed',
      error: { reason: 'x', message: 'no such model' },
    },
    'Load of gpu-01/llama failed: no such model',
  ],
  [
    'runtime.budget.exhausted',
    { ...about, max_restarts: 3, window_seconds: 600, remaining: 0 },
    'gpu-01/llama has no restart left of 3 in 600 s',
  ],
  [
    'runtime.budget.restored',
    { ...about, max_restarts: 3, window_seconds: 600, remaining: 1 },
    'gpu-01/llama may restart again: 1 left',
  ],
  [
    'runtime.restore.requested',
    { ...about, job_id: 'j', args: { force: true } },
    'A restore of gpu-01/llama was asked for, forced past its budget',
  ],
  [
    'runtime.restore.completed',
    { ...about, job_id: 'j', ok: true, state: 'completed' },
    'gpu-01/llama was restored',
  ],
  [
    'runtime.restore.completed',
    { ...about, job_id: 'j', ok: false, state: 'expired' },
    'The restore of gpu-01/llama expired before its node took it',
  ],
  [
    'models.changed',
    {
      node: 'gpu-01',
      changes: [{ runtime: 'llama', model: 'qwen', from: 'loading', to: 'loaded' }],
      more: 2,
    },
    'gpu-01: qwen is loaded, was loading, and 2 more',
  ],
  [
    'models.changed',
    { node: 'gpu-01', changes: [{ runtime: 'llama', model: 'qwen', from: 'loaded' }] },
    'gpu-01: qwen is gone',
  ],
  ['node.online', { node: 'gpu-01', received_at: TIME, uplink: 'open' }, 'Node gpu-01 is connected'],
  [
    'node.online',
    { node: 'gpu-01', received_at: TIME, uplink: 'post', silent_since: TIME },
    'Node gpu-01 is heard again, reporting by POST',
  ],
  [
    'node.stale',
    { node: 'gpu-01', received_at: TIME, expires_at: TIME, label: 'Offline - No heartbeat for 75 s' },
    'Node gpu-01 is silent: No heartbeat for 75 s',
  ],
  ['node.removed', { node: 'gpu-01', reason: 'operator' }, 'Node gpu-01 was removed by an operator'],
  ['actions.submitted', chat, 'Chat with qwen on gpu-01 was asked for'],
  ['actions.running', chat, 'Chat with qwen on gpu-01 is under way'],
  ['actions.completed', { ...chat, latency_ms: 1234 }, 'Chat with qwen on gpu-01 is done after 1.2 s'],
  [
    'actions.failed',
    { ...chat, error: { reason: 'x', message: 'the node went away' } },
    'Chat with qwen on gpu-01 failed: the node went away',
  ],
  [
    'stream.gap',
    { reason: 'lost', message: 'Load again what you keep' },
    'Events are missing here. Load again what you keep',
  ],
  ['stream.end', { reason: 'hub-gone', message: 'Connect again' }, 'The stream ended. Connect again'],
];

function online(id: number): Event {
  return {
    id: String(id),
    time: TIME,
    kind: 'node.online',
    payload: { node: `n${id}`, received_at: TIME, uplink: 'open' },
  };
}

describe('sentences', () => {
  test.each(SENTENCES)('%s', (kind, payload, sentence) => {
    expect(eventWords({ time: TIME, kind, payload })?.sentence).toBe(sentence);
  });

  test('there is one for every kind that this hub makes, but for those of every heartbeat', () => {
    const told = new Set(SENTENCES.map(([kind]) => kind));
    const silent = ['runtime.health', 'state.read.model.patch'];
    expect(Object.keys(EVENT_PAYLOADS).filter((kind) => !told.has(kind))).toEqual(silent);
  });

  test('a restore is told once: by the events of its own', () => {
    const payload = { ...about, job_id: 'j', kind: 'restore', from: 'running', state: 'completed' };
    expect(eventWords({ time: TIME, kind: 'jobs.changed', payload })).toBeUndefined();
  });

  test('that patches are in no log is no missing event: every connection begins with it', () => {
    const payload = { reason: 'unlogged', message: 'Not in the log: state.read.model.patch' };
    expect(eventWords({ time: TIME, kind: 'stream.gap', payload })).toBeUndefined();
  });

  test('what this page does not know, or what is not as agreed, is left out', () => {
    expect(eventWords({ time: TIME, kind: 'something.new', payload: {} })).toBeUndefined();
    expect(eventWords({ time: TIME, kind: 'node.online', payload: { node: 7 } })).toBeUndefined();
  });
});

describe('the feed', () => {
  test('is newest first, each event once, bounded', () => {
    let feed = [online(9), online(10), online(9), online(10)].reduce(withEvent, EMPTY_FEED);
    expect(feed.shown.map(({ key }) => key)).toEqual(['10', '9']);
    for (let id = 11; id < 11 + FEED_MAX; id += 1) feed = withEvent(feed, online(id));
    expect(feed.shown).toHaveLength(FEED_MAX);
    expect(feed.shown[0]?.key).toBe(String(10 + FEED_MAX));
  });

  test('holds back what comes while it is paused', () => {
    const held = withEvent(paused(withEvent(EMPTY_FEED, online(1))), online(2));
    expect(held.shown.map(({ key }) => key)).toEqual(['1']);
    expect(resumed(held).shown.map(({ key }) => key)).toEqual(['2', '1']);
  });

  test('is filtered by what it is about, how grave it is, and words; a gap is always shown', () => {
    const gap: Event = { time: TIME, kind: 'stream.gap', payload: { reason: 'lost', message: 'Load again' } };
    const stale: Event = {
      id: '3',
      time: TIME,
      kind: 'node.stale',
      payload: {
        node: 'gpu-01',
        received_at: TIME,
        expires_at: TIME,
        label: 'Offline - No heartbeat for 75 s',
      },
    };
    const { shown } = [online(1), stale, gap].reduce(withEvent, EMPTY_FEED);
    const keys = (filter: Partial<FeedFilter>): string[] =>
      shownBy(shown, { group: 'all', severity: 'all', text: '', ...filter }).map(({ key }) => key);
    expect(keys({})).toEqual(['stream-1', '3', '1']);
    expect(keys({ severity: 'attention' })).toEqual(['stream-1', '3']);
    expect(keys({ group: 'commands' })).toEqual(['stream-1']);
    expect(keys({ text: 'N1 connected' })).toEqual(['stream-1', '1']);
  });
});

describe('times', () => {
  const now = Date.parse(TIME);
  test.each([
    [0, 'now', 1000],
    [12_000, '12 s ago', 1000],
    [61_500, '1 min ago', 58_500],
    [2 * 3_600_000, '2 h ago', 3_600_000],
    [49 * 3_600_000, '2 d ago', 3_600_000],
    [-5000, 'now', 1000],
  ])('%d ms after it happened', (age, words, changesIn) => {
    expect(agoWords(TIME, now + age)).toBe(words);
    expect(agoChangesInMs(TIME, now + age)).toBe(changesIn);
  });

  test('the exact time has seconds', () => expect(exactTime(TIME)).toContain(':56'));
});
