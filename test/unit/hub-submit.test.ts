// What a new command is, and which ones the last snapshot alone forbids: the node has the last word on all others.

import { describe, expect, test } from 'vitest';
import { COMMAND_KINDS, isFinalJobState, type CommandKind } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import {
  budgetAdvice,
  exhaustedBudget,
  isRepeat,
  keyTaken,
  newCommand,
  refusedCommand,
  type Submit,
} from '../../worker/domain/submit.ts';
import { emptyBudget, fullBudget, runtimeRecord } from '../support/snapshot.ts';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');
const RESET_AT = '2026-11-22T12:05:00.000Z';

/** Arguments as they came in a body. */
function request(kind: CommandKind, args = '{}'): Submit {
  return { node: 'gpu-01', runtime: 'llama.70b', kind, args: JSON.parse(args) };
}

function up(budget = emptyBudget(RESET_AT)): RuntimeRecord {
  const record = runtimeRecord({ budget });
  return {
    descriptor: { ...record.descriptor, presets: ['long', 'short'], preset: 'short' },
    status: { ...record.status, pid: 4242 },
  };
}

const down = runtimeRecord({ state: 'error', budget: emptyBudget(RESET_AT) });

function isForbidden(asked: Submit, record = up(), now = NOW): boolean {
  return exhaustedBudget(asked, record, now) !== undefined;
}

describe('without headroom', () => {
  test.each<[string, Submit]>([
    ['a restore', request('restore')],
    ['a restore with a preset', request('restore', '{"preset":"long"}')],
    ['a switch of the preset', request('switch', '{"preset":"long"}')],
    ['a switch of the sandbox', request('switch', '{"sandbox":"bwrap"}')],
    ['a switch of both, one of which is in use', request('switch', '{"preset":"long","sandbox":"none"}')],
    ['a drain that restarts', request('drain', '{"then":"restart"}')],
  ])('%s is forbidden until the window frees', (_what, asked) => {
    expect(exhaustedBudget(asked, up(), NOW)).toMatchObject({ remaining: 0, reset_at: RESET_AT });
    expect(isForbidden(asked, up(), Date.parse(RESET_AT))).toBe(false);
  });

  test.each<[string, Submit]>([
    ['a forced restore', request('restore', '{"force":true}')],
    ['a restore that may not restart', request('restore', '{"restart":false}')],
    ['a switch to the sandbox in use', request('switch', '{"sandbox":"none"}')],
    ['a switch to the preset in use', request('switch', '{"preset":"short"}')],
    ['a switch to what is in use', request('switch', '{"preset":"short","sandbox":"none"}')],
    ['a drain', request('drain')],
    ['a drain that shuts down', request('drain', '{"then":"shutdown"}')],
    ['a wider budget', request('budget', '{"max_restarts":9}')],
    ['a model that nobody knows', request('load', '{"model":"unheard-of"}')],
  ])('%s passes', (_what, asked) => {
    expect(isForbidden(asked)).toBe(false);
  });

  test('a switch of what is down passes: it starts nothing', () => {
    const asked = request('switch', '{"preset":"long"}');
    expect(isForbidden(asked, down)).toBe(false);
    const stopping = { ...up(), status: { ...up().status, state: 'offline' as const } };
    expect(isForbidden(asked, stopping)).toBe(false);
  });

  test('a restore of what is down is forbidden too', () => {
    expect(isForbidden(request('restore'), down)).toBe(true);
  });
});

test.each(COMMAND_KINDS)('%s passes with headroom, and where there is no budget to speak of', (kind) => {
  const args = kind === 'drain' ? '{"then":"restart"}' : '{"preset":"long"}';
  expect(isForbidden(request(kind, args), up(fullBudget()))).toBe(false);
  const none = { window_seconds: 600, max_restarts: 0, used: 0, remaining: 0 };
  expect(isForbidden(request(kind, args), up(none))).toBe(false);
});

test('a refusal tells what to do instead, for the act that was refused', () => {
  const budget = emptyBudget(RESET_AT);
  const exhausted = { ...budget, reset_at: RESET_AT };
  expect(budgetAdvice('restore', exhausted)).toBe(
    `All 3 restarts are spent until ${RESET_AT}: wait, or send {"force": true}`,
  );
  expect(budgetAdvice('switch', exhausted)).toMatch(/: wait, or raise max_restarts with the act "budget"$/);
});

test('a refused command is a failed job that answers no key', () => {
  const draft = newCommand({ ...request('switch'), idempotencyKey: 'k' }, 'gpu-01:1', NOW);
  const refused = refusedCommand({ ...draft, ordinal: 1, signature: 's' }, NOW);
  expect(refused).toMatchObject({ state: 'failed', attempts: 0, idempotencyKey: null });
  expect(isFinalJobState(refused.state)).toBe(true);
});

test('a key is for one request: the same act with other arguments is not its repeat', () => {
  const first = {
    ...newCommand(request('load', '{"model":"a"}'), 'gpu-01:1', NOW),
    ordinal: 1,
    signature: 's',
  };
  expect(isRepeat(first, request('load', '{"model":"a"}'))).toBe(true);
  expect(isRepeat(first, request('load', '{"model":"b"}'))).toBe(false);
  expect(keyTaken('gpu-01:1')).toMatchObject({ status: 422, job_id: 'gpu-01:1' });
});
