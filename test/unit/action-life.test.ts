// The life of an action, what is told of it, and how an engine's answer is read.

import { expect, test } from 'vitest';
import { actionEvents } from '../../worker/domain/action-events.ts';
import {
  actionProblem,
  CANCELLED,
  FORGOTTEN,
  stepAction,
  toAction,
  type ActionRecord,
} from '../../worker/domain/action-life.ts';
import { brokenEvent, chatBody, replyOf } from '../../worker/domain/chat.ts';

const record: ActionRecord = {
  id: 'gpu-01:act-1',
  node: 'gpu-01',
  runtime: 'llama.70b',
  backend: 'llama.cpp',
  model: 'qwen',
  state: 'queued',
  stream: 7,
  project: 'p',
  agent: null,
  submittedAt: 1_795_000_000_000,
  finishedAt: null,
  output: null,
  error: null,
  idempotencyKey: null,
  digest: '',
};
const reply = { role: 'assistant', content: 'Hello.' };
const at = record.submittedAt + 250;

test('it is sent, and completes with what is known of it', () => {
  const sent = stepAction(record, { type: 'sent' });
  const done = stepAction(sent, { type: 'completed', at, model: 'other', reply });
  expect(toAction(sent)).toMatchObject({ state: 'running', project: 'p' });
  expect(toAction(done).output).toEqual({
    backend: 'llama.cpp',
    model: 'qwen',
    node: 'gpu-01',
    runtime: 'llama.70b',
    reply,
    latency_ms: 250,
  });
  expect(toAction(done).error).toBeUndefined();
});

test('what is over stays as it is, and a clock that was set back makes no negative time', () => {
  const failed = stepAction(record, { type: 'failed', at: at - 1000, error: CANCELLED });
  expect(stepAction(failed, { type: 'completed', at, model: null, reply })).toBe(failed);
  expect(stepAction(failed, { type: 'sent' })).toBe(failed);
  const early = stepAction(record, { type: 'completed', at: at - 1000, model: null, reply: undefined });
  expect(early.output).toMatchObject({ latency_ms: 0 });
});

test('its steps are told, each once, and neither the question nor the answer', () => {
  const sent = stepAction(record, { type: 'sent' });
  const done = stepAction(sent, { type: 'completed', at, model: null, reply });
  const failed = stepAction(sent, { type: 'failed', at, error: FORGOTTEN });
  expect(actionEvents(sent, true).map(({ kind }) => kind)).toEqual(['actions.submitted', 'actions.running']);
  expect(actionEvents(done, false).map(({ kind }) => kind)).toEqual(['actions.completed']);
  // One that was over before anything was told of it.
  expect(actionEvents(done, true)).toHaveLength(3);
  expect(JSON.stringify(actionEvents(done, true))).not.toContain('Hello');
  expect(actionEvents(failed, false)).toEqual([
    {
      time: new Date(at).toISOString(),
      kind: 'actions.failed',
      payload: {
        id: record.id,
        kind: 'chat.respond',
        node: 'gpu-01',
        runtime: 'llama.70b',
        backend: 'llama.cpp',
        model: 'qwen',
        project: 'p',
        latency_ms: 250,
        error: FORGOTTEN,
      },
    },
  ]);
});

test('a prompt is one message of a user, and only what was said is passed on', () => {
  expect(JSON.parse(chatBody({ prompt: 'Hi' }, 'm', true))).toEqual({
    model: 'm',
    messages: [{ role: 'user', content: 'Hi' }],
    stream: true,
  });
});

test.each([
  ['no JSON', 200, 'oops', 'runtime-failed'],
  ['no choice', 200, '{"choices":[]}', 'runtime-failed'],
  ['no head', 0, '', 'runtime-failed'],
  ["an engine's refusal", 400, '{"error":{"message":"too long"}}', 'malformed-body'],
  ["an engine's failure", 500, '{}', 'runtime-failed'],
  [
    "the gateway's refusal",
    503,
    '{"type":"urn:runtime-matrix:problem:runtime-not-ready","title":"T","status":503,"detail":"It loads"}',
    'runtime-not-ready',
  ],
])('an answer that is %s is no reply, and says why', (_what, status, text, reason) => {
  expect(replyOf(status, text)).toMatchObject({ ok: false, error: { reason } });
});

test('a reply without a text is one: the model called a tool', () => {
  const text = '{"model":"m","choices":[{"message":{"role":"assistant","content":null}}]}';
  expect(replyOf(200, text)).toEqual({ ok: true, model: 'm', reply: { role: 'assistant', content: null } });
});

function statusOf(reason: string): number {
  return actionProblem({ reason, message: 'why' }, 'id').status;
}

test('each reason has its status, and a stream that broke its last event', () => {
  expect(['node-gone', 'node-silent', 'too-many-relays', 'runtime-failed'].map(statusOf)).toEqual([
    503, 504, 429, 502,
  ]);
  const [, data = ''] = brokenEvent({ reason: 'node-gone', message: 'why' }).split('data: ');
  expect(JSON.parse(data)).toMatchObject({ error: { message: 'why', code: 'node_gone' } });
});
