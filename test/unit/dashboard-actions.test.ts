// The acts that the dashboard offers: which make sense, what they cost, and how one is told to its end.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFinalJobState, JOB_STATES, type Job } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { RUNTIME_STATES } from '../../contract/words.ts';
import { actCost } from '../../dashboard/view-model/action-cost.ts';
import { actionPlan, modelsToLoad, modelsToUnload } from '../../dashboard/view-model/action-plan.ts';
import {
  advanced,
  begun,
  endWords,
  isOver,
  progressTone,
  progressWords,
  type Progress,
  type ProgressNews,
} from '../../dashboard/view-model/action-progress.ts';
import { holds } from '../support/property.ts';
import { emptyBudget, runtimeRecord } from '../support/snapshot.ts';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');
const LATER = '2026-11-22T12:09:00.000Z';

function changed(record: RuntimeRecord, status: Partial<RuntimeRecord['status']>): RuntimeRecord {
  return { ...record, status: { ...record.status, ...status } };
}

function offered(record: RuntimeRecord, isStale = false): string[] {
  return actionPlan({ record, isStale })
    .filter(({ blocked }) => blocked === undefined)
    .map(({ kind }) => kind);
}

describe('the plan', () => {
  test('of a runtime that is ready', () => {
    expect(offered(runtimeRecord())).toEqual(['restore', 'drain', 'switch', 'shutdown']);
  });

  test('of one that drains', () => {
    expect(offered(changed(runtimeRecord(), { draining: true }))).toEqual([
      'restore',
      'undrain',
      'switch',
      'shutdown',
    ]);
  });

  test('of one that was shut down', () => {
    const record = changed(runtimeRecord({ state: 'offline' }), { severity: 'info' });
    expect(offered(record)).toEqual(['restore', 'start', 'switch']);
  });

  test('of one that crashed and stays down', () => {
    expect(offered(runtimeRecord({ state: 'error' }))).toEqual(['restore', 'start', 'switch', 'shutdown']);
  });

  test('of an endpoint elsewhere: nothing, and why', () => {
    const { restart_budget: _, ...status } = runtimeRecord().status;
    const plan = actionPlan({ record: { ...runtimeRecord(), status }, isStale: false });
    expect(plan.every(({ blocked }) => blocked?.startsWith('An endpoint elsewhere'))).toBe(true);
  });

  test('of a node that is silent: everything may be wished', () => {
    expect(offered(runtimeRecord(), true)).toHaveLength(8);
  });

  test('of a router: what is not loaded may be loaded, what is may be freed', () => {
    const record = runtimeRecord();
    record.descriptor.models = [
      { id: 'a', state: 'loaded' },
      { id: 'b', state: 'unloaded' },
    ];
    expect(modelsToLoad(record)).toEqual(['b']);
    expect(modelsToUnload(record)).toEqual(['a']);
    expect(offered(record)).toContain('load');
  });

  test('always has the same acts in the same places, each offered or with its reason', () => {
    const orders = RUNTIME_STATES.map((state) =>
      actionPlan({ record: runtimeRecord({ state }), isStale: false }).map(({ kind }) => kind),
    );
    expect(new Set(orders.map(String)).size).toBe(1);
  });
});

describe('the cost', () => {
  test('of a restore: work that is cut off, and a restart', () => {
    const record = changed(runtimeRecord(), { health: { inflight_jobs: 2, queued_jobs: 1 } });
    expect(actCost('restore', {}, { record, isStale: false }, NOW)).toEqual({
      lines: [
        'The process is stopped and started again.',
        '3 requests at work or queued are cut off.',
        'It spends 1 restart: 2 of 3 will be left.',
      ],
    });
  });

  test('unknown work is said to be unknown', () => {
    const { lines } = actCost('shutdown', {}, { record: runtimeRecord(), isStale: false }, NOW);
    expect(lines).toContain('How much is at work is not known; whatever is, is cut off.');
  });

  test('of a restore past an empty budget: until when, and that it may be forced', () => {
    const record = runtimeRecord({ budget: emptyBudget(LATER) });
    const { lines, exhausted } = actCost('restore', {}, { record, isStale: false }, NOW);
    expect(exhausted).toEqual({ resetAt: LATER, canForce: true });
    expect(lines.at(-1)).toMatch(/^All 3 restarts are spent until .+: wait, or force it\.$/);
  });

  test('a switch cannot be forced, and a budget whose reset has passed forbids nothing', () => {
    const record = runtimeRecord({ budget: emptyBudget(LATER) });
    const subject = { record, isStale: false };
    expect(actCost('switch', { preset: 'fast' }, subject, NOW).exhausted?.canForce).toBe(false);
    expect(actCost('switch', { preset: 'fast' }, subject, Date.parse(LATER)).exhausted).toBeUndefined();
  });

  test('a switch to what is in use spends nothing', () => {
    const record = runtimeRecord({ budget: emptyBudget(LATER) });
    record.descriptor.preset = 'fast';
    const { sandbox = '' } = record.descriptor;
    const subject = { record, isStale: false };
    expect(actCost('switch', { preset: 'fast', sandbox }, subject, NOW).exhausted).toBeUndefined();
    expect(actCost('switch', { preset: 'fast', sandbox: 'bwrap' }, subject, NOW).exhausted).toBeDefined();
    expect(actCost('switch', { preset: 'slow', sandbox }, subject, NOW).exhausted).toBeDefined();
    const already = actCost('switch', { preset: 'fast' }, subject, NOW);
    expect(already).toEqual({ lines: ['It has that already: nothing is done.'] });
  });

  test('a switch of what failed starts it, and of what was shut down waits', () => {
    const failed = { record: runtimeRecord({ state: 'error', budget: emptyBudget(LATER) }), isStale: false };
    const ofFailed = actCost('switch', { preset: 'slow' }, failed, NOW);
    expect(ofFailed.lines[0]).toBe(
      'The process is started with what you name: after a crash that is a restart.',
    );
    expect(ofFailed.exhausted).toBeDefined();
    const down = { record: runtimeRecord({ state: 'offline', budget: emptyBudget(LATER) }), isStale: false };
    expect(actCost('switch', { preset: 'slow' }, down, NOW)).toEqual({
      lines: ['It takes effect at its next start.'],
    });
  });

  test('a drain spends a restart only where a restart follows', () => {
    const subject = { record: runtimeRecord({ budget: emptyBudget(LATER) }), isStale: false };
    expect(actCost('drain', { after: 'hold' }, subject, NOW).exhausted).toBeUndefined();
    expect(actCost('drain', { after: 'restart' }, subject, NOW).exhausted).toBeDefined();
  });

  test('a silent node is said to be waited for', () => {
    const { lines } = actCost('start', {}, { record: runtimeRecord(), isStale: true }, NOW);
    expect(lines).toContain('Its node is silent: the command waits for it, and expires after 10 minutes.');
  });
});

function job(state: Job['state'], more: Partial<Job> = {}): Job {
  return {
    job_id: 'gpu-01:1',
    kind: 'restore',
    node: 'gpu-01',
    runtime_id: 'llama',
    args: {},
    state,
    delivered: true,
    attempts: 1,
    issued_at: LATER,
    expires_at: LATER,
    ...more,
  };
}

function rank({ phase }: Progress): number {
  if (phase.kind === 'sending') return 0;
  if (phase.kind !== 'open') return 5;
  return { queued: 1, delivered: 2, running: 3 }[phase.state];
}

describe('progress', () => {
  const start = begun('restore', 'gpu-01', 'llama');
  const told = (news: ProgressNews[]): Progress => news.reduce(advanced, start);

  test('goes from sent to its end, with the result', () => {
    const accepted: ProgressNews = { kind: 'accepted', jobId: 'gpu-01:1', delivered: true };
    expect(progressWords(start, NOW)).toBe('Restore of gpu-01/llama: sent to the hub…');
    expect(progressWords(told([accepted]), NOW)).toBe('Restore of gpu-01/llama: sent to its node…');
    const ended = told([accepted, { kind: 'job', job: job('completed', { result: { state: 'ready' } }) }]);
    expect(progressWords(ended, NOW)).toBe('Restore of gpu-01/llama completed: now Ready');
    expect(progressTone(ended)).toBe('good');
  });

  test('says that a node which is away is waited for', () => {
    const waiting = told([{ kind: 'accepted', jobId: 'gpu-01:1', delivered: false }]);
    expect(progressWords(waiting, NOW)).toContain('queued until its node is heard again');
  });

  test('tells an empty budget with its reset', () => {
    const refused = told([{ kind: 'exhausted', budget: emptyBudget(LATER) }]);
    expect(progressWords(refused, NOW)).toMatch(/refused: All 3 restarts are spent until /);
    expect(isOver(refused)).toBe(true);
  });

  test('an end that an event told learns its words from the look', () => {
    const ended = told([
      { kind: 'accepted', jobId: 'gpu-01:1', delivered: true },
      { kind: 'state', jobId: 'gpu-01:1', state: 'completed', told: undefined },
      { kind: 'job', job: job('completed', { result: { state: 'ready' } }) },
    ]);
    expect(progressWords(ended, NOW)).toBe('Restore of gpu-01/llama completed: now Ready');
  });

  test('news of another job changes nothing', () => {
    const open = told([{ kind: 'accepted', jobId: 'gpu-01:1', delivered: true }]);
    expect(advanced(open, { kind: 'state', jobId: 'gpu-01:2', state: 'failed', told: 'no' })).toBe(open);
  });

  test('never goes back, whatever comes in whatever order', () => {
    const news = fc.oneof(
      fc.record({
        kind: fc.constant('accepted' as const),
        jobId: fc.constant('gpu-01:1'),
        delivered: fc.boolean(),
      }),
      fc.record({
        kind: fc.constant('state' as const),
        jobId: fc.constantFrom('gpu-01:1', 'gpu-01:2'),
        state: fc.constantFrom(...JOB_STATES),
        told: fc.constant(undefined),
      }),
      fc.constantFrom(...JOB_STATES).map((state) => ({ kind: 'job' as const, job: job(state) })),
    );
    holds(
      fc.property(fc.array(news, { maxLength: 12 }), (all) => {
        let progress: Progress = start;
        for (const one of all) {
          const next = advanced(progress, one);
          expect(rank(next)).toBeGreaterThanOrEqual(rank(progress));
          expect(next.phase.kind !== 'ended' || isFinalJobState(next.phase.state)).toBe(true);
          progress = next;
        }
      }),
    );
  });

  test.each([
    [job('failed', { error: { reason: 'x', message: 'the disk is full' } }), 'the disk is full'],
    [job('completed', { result: { model: 'a', state: 'loaded' } }), 'a is loaded'],
    [
      job('completed', { result: { draining: true, waited_seconds: 2.4 } }),
      'empty after 2 s, no new work until an undrain',
    ],
    [job('completed', { result: { already: true, state: 'ready' } }), 'it was so already, now Ready'],
    [job('completed'), undefined],
  ])('an end says what the node told of it', (ended, words) => expect(endWords(ended)).toBe(words));
});
