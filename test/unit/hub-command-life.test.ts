// The life of a command: it is never lost and never doubled, whatever happens in whatever order.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFinalJobState, JobSchema, CommandSchema, type JobState } from '../../contract/command.ts';
import * as v from 'valibot';
import {
  COMMAND_TTL_MS,
  deadline,
  isCancellable,
  isDue,
  isPresumed,
  step,
  type CommandEvent,
  type CommandRecord,
} from '../../worker/domain/command-life.ts';
import { signingText, toCommand, toFrame, toJob } from '../../worker/domain/job.ts';
import { newCommand } from '../../worker/domain/submit.ts';
import { golden } from '../support/golden.ts';
import { holds } from '../support/property.ts';

const Golden = v.object({ node: v.string(), signing_text: v.string(), command: CommandSchema });

const NOW = Date.parse('2026-11-22T12:00:00.000Z');
const S = 1000;

const REQUEST = { node: 'gpu-01', runtime: 'llama.70b', kind: 'restore' as const, args: {} };

function queued(): CommandRecord {
  return { ...newCommand(REQUEST, 'gpu-01:1', NOW), signature: 'signed', ordinal: 1 };
}

function after(...events: CommandEvent[]): CommandRecord {
  return events.reduce(step, queued());
}

const sent = (at: number, isNewLink = false): CommandEvent => ({ type: 'sent', at, isNewLink });
const received = (at: number): CommandEvent => ({ type: 'received', at });
const completed = (at: number): CommandEvent => ({ type: 'completed', at, result: { state: 'ready' } });
const tick = (at: number, isLinked = true): CommandEvent => ({ type: 'tick', at, isLinked });

const asked = (at: number): CommandEvent => ({ type: 'cancel-asked', at, signature: 'proof' });
const refused = (at: number): CommandEvent => ({
  type: 'failed',
  at,
  error: { reason: 'cancelled', message: 'It was cancelled before it began' },
});

describe('the way of a command', () => {
  test('queued, delivered, running, completed', () => {
    expect(queued().state).toBe('queued');
    expect(after(sent(NOW + 1))).toMatchObject({ state: 'delivered', attempts: 1, deliveredAt: NOW + 1 });
    expect(after(sent(NOW + 1), received(NOW + 2))).toMatchObject({ state: 'running', receivedAt: NOW + 2 });
    const done = after(sent(NOW + 1), received(NOW + 2), completed(NOW + 3));
    expect(done).toMatchObject({ state: 'completed', finishedAt: NOW + 3, result: { state: 'ready' } });
    expect(v.is(JobSchema, toJob(done))).toBe(true);
    expect(v.is(CommandSchema, toCommand(done))).toBe(true);
  });

  test('an end without an acknowledgement counts', () => {
    expect(after(sent(NOW), completed(NOW + 3)).state).toBe('completed');
  });

  test('an end is told with bounded words', () => {
    const result = { log: 'x'.repeat(20_000) };
    expect(after({ type: 'completed', at: NOW, result }).result).toEqual({ truncated: true, length: 20_010 });
    const error = { reason: 'r', message: 'm', log: 'x'.repeat(20_000) };
    expect(after({ type: 'failed', at: NOW, error }).error).toEqual({ reason: 'r', message: 'm' });
  });

  test('a second acknowledgement changes nothing', () => {
    const running = after(sent(NOW), received(NOW + 2));
    expect(step(running, received(NOW + 9))).toBe(running);
  });

  test('nobody takes it: it expires, and says that nothing was done', () => {
    expect(step(queued(), tick(NOW + COMMAND_TTL_MS - 1)).state).toBe('queued');
    expect(step(queued(), tick(NOW + COMMAND_TTL_MS, false))).toMatchObject({
      state: 'expired',
      error: { reason: 'expired', message: expect.stringContaining('nothing was done') },
    });
  });

  test('what runs does not expire, but is lost when its end is never told', () => {
    const running = after(sent(NOW), received(NOW + S));
    expect(step(running, tick(NOW + COMMAND_TTL_MS + S))).toBe(running);
    expect(step(running, tick(NOW + 3_601_000))).toMatchObject({
      state: 'failed',
      error: { reason: 'no-report' },
    });
  });
});

describe('redelivery', () => {
  test('after 5 s of silence, then ever more rarely', () => {
    const once = after(sent(NOW));
    expect(isDue(once, NOW + 4999, false)).toBe(false);
    expect(isDue(once, NOW + 5000, false)).toBe(true);
    const twice = step(once, sent(NOW + 5000));
    expect(isDue(twice, NOW + 14_999, false)).toBe(false);
    expect(isDue(twice, NOW + 15_000, false)).toBe(true);
    expect(deadline(twice, true)).toBe(NOW + 15_000);
    expect(deadline(twice, false)).toBe(NOW + COMMAND_TTL_MS);
  });

  test('on a new link at once, what runs included', () => {
    expect(isDue(after(sent(NOW)), NOW + 1, true)).toBe(true);
    expect(isDue(after(sent(NOW), received(NOW)), NOW + 1, true)).toBe(true);
    expect(isDue(after(sent(NOW), received(NOW)), NOW + 60_000, false)).toBe(false);
  });

  test('ends for a node that hears and never takes', () => {
    let record = queued();
    let now = NOW;
    let sends = 0;
    while (!isFinalJobState(record.state)) {
      record = step(record, tick(now));
      if (isDue(record, now, false)) {
        record = step(record, sent(now));
        sends += 1;
      }
      now = deadline(record, true) ?? now;
    }
    expect(record).toMatchObject({ state: 'failed', attempts: 8, error: { reason: 'undeliverable' } });
    expect(sends).toBe(8);
    expect(now - NOW).toBeLessThan(COMMAND_TTL_MS);
  });

  test('does not end for a node whose link breaks again and again', () => {
    let record = queued();
    for (let at = NOW; at < NOW + 300_000; at += 1000) {
      record = step(record, tick(at, false));
      expect(isDue(record, at, true)).toBe(true);
      record = step(record, sent(at, true));
    }
    expect(record).toMatchObject({ state: 'delivered', unanswered: 1 });
  });
});

describe('a cancellation', () => {
  test('of what was never sent is its end', () => {
    expect(after(asked(NOW + 1))).toMatchObject({
      state: 'cancelled',
      finishedAt: NOW + 1,
      error: { reason: 'cancelled', message: expect.stringContaining('nothing was done') },
    });
  });

  test('of what was sent goes out at once, and again, and the command never', () => {
    const record = after(sent(NOW), asked(NOW + 1));
    expect(record).toMatchObject({ state: 'delivered', attempts: 1 });
    expect(isDue(record, NOW + 1, false)).toBe(true);
    expect(toFrame(record)).toEqual({ type: 'command.cancel', id: 'gpu-01:1', signature: 'proof' });
    const once = step(record, sent(NOW + 1));
    expect(once.attempts).toBe(1);
    expect(isDue(once, NOW + 5000, false)).toBe(false);
    expect(isDue(once, NOW + 5001, false)).toBe(true);
    expect(isDue(once, NOW + 2, true)).toBe(true);
    expect(toFrame(step(once, sent(NOW + 5001))).type).toBe('command.cancel');
    expect(v.is(JobSchema, toJob(once))).toBe(true);
  });

  test('is what the node says of it', () => {
    const record = after(sent(NOW), asked(NOW + 1), sent(NOW + 1));
    expect(step(record, refused(NOW + 2))).toMatchObject({ state: 'cancelled', finishedAt: NOW + 2 });
    expect(step(record, completed(NOW + 2)).state).toBe('completed');
    const begun = step(record, received(NOW + 2));
    expect(begun.state).toBe('running');
    expect(step(begun, completed(NOW + 3)).state).toBe('completed');
  });

  test('of what has begun or ended changes nothing', () => {
    for (const record of [after(sent(NOW), received(NOW)), after(sent(NOW), completed(NOW))]) {
      expect(isCancellable(record)).toBe(false);
      expect(step(record, asked(NOW + 1))).toBe(record);
    }
  });

  test('that nobody asked for is a failure like others', () => {
    expect(after(sent(NOW), refused(NOW + 1)).state).toBe('failed');
  });

  test('does not keep a command from expiring', () => {
    const record = after(sent(NOW), asked(NOW + 1));
    expect(step(record, tick(NOW + COMMAND_TTL_MS, false)).state).toBe('expired');
  });
});

describe('an end that nobody told', () => {
  const late = NOW + 2 * 3_600_000;
  const expired = after(sent(NOW), tick(NOW + COMMAND_TTL_MS, false));
  const lost = after(sent(NOW), received(NOW), tick(late));
  const failure: CommandEvent = { type: 'failed', at: late + 1, error: { reason: 'x', message: 'y' } };

  test.each([
    ['expiry', expired],
    ['loss', lost],
  ])('its %s is corrected by what the node tells later, and that stays', (_name, record) => {
    expect(isPresumed(record)).toBe(true);
    const done = step(record, completed(late + 1));
    expect(done).toMatchObject({ state: 'completed', finishedAt: late + 1, error: null });
    expect(step(done, failure)).toBe(done);
    const failed = step(record, failure);
    expect(failed).toMatchObject({ state: 'failed', error: { reason: 'x' } });
    expect(step(failed, completed(late + 2))).toBe(failed);
  });

  test('stays where the node says the same, or nothing of its end', () => {
    const error = { reason: 'expired', message: 'The command expired' };
    expect(step(expired, { type: 'failed', at: late, error })).toBe(expired);
    for (const event of [received(late), sent(late), tick(late)]) expect(step(expired, event)).toBe(expired);
  });

  test('is not the one that a cancellation was', () => {
    const cancelled = after({ type: 'cancel-asked', at: NOW, signature: 'proof' });
    expect(step(cancelled, completed(late))).toBe(cancelled);
  });
});

describe('whatever happens', () => {
  const RANK: Record<JobState, number> = {
    queued: 0,
    delivered: 1,
    running: 2,
    completed: 3,
    failed: 3,
    expired: 3,
    cancelled: 3,
  };
  const event = fc.oneof(
    fc.boolean().map((isNewLink) => ({ type: 'sent' as const, isNewLink })),
    fc.constant({ type: 'received' as const }),
    fc.constant({ type: 'completed' as const, result: null }),
    fc.constant({ type: 'failed' as const, error: { reason: 'x', message: 'y' } }),
    fc.constant({ type: 'cancel-asked' as const, signature: 's' }),
    fc.constant({ type: 'failed' as const, error: { reason: 'cancelled', message: 'y' } }),
    fc.constant({ type: 'cancelled' as const, error: { reason: 'x', message: 'y' } }),
    fc.boolean().map((isLinked) => ({ type: 'tick' as const, isLinked })),
  );
  const history = fc.array(fc.tuple(event, fc.integer({ min: 0, max: 900_000 })), { maxLength: 40 });

  test('it only moves forward, ends once, and its end stays unless it was presumed', () => {
    holds(
      fc.property(history, (events) => {
        let record = queued();
        let at = NOW;
        for (const [happened, wait] of events) {
          at += wait;
          const next = step(record, { ...happened, at });
          expect(RANK[next.state]).toBeGreaterThanOrEqual(RANK[record.state]);
          const isKept = isFinalJobState(record.state) && !isPresumed(record);
          expect(!isKept || next === record).toBe(true);
          // Once somebody does not want it any more, it is never sent again.
          expect(record.cancelAskedAt === null || next.attempts === record.attempts).toBe(true);
          expect(next.attempts - record.attempts).toBeLessThanOrEqual(1);
          expect(next.finishedAt !== null).toBe(isFinalJobState(next.state));
          record = next;
        }
      }),
    );
  });

  test('an open command always has a next look, and time alone brings it to an end', () => {
    holds(
      fc.property(history, fc.boolean(), (events, isLinked) => {
        let record = queued();
        let at = NOW;
        for (const [happened, wait] of events) record = step(record, { ...happened, at: (at += wait) });
        for (let looks = 0; !isFinalJobState(record.state); looks += 1) {
          const next = deadline(record, isLinked);
          expect(next).toBeDefined();
          expect(looks).toBeLessThan(100);
          at = Math.max(at, next ?? at);
          record = step(record, { type: 'tick', at, isLinked });
          if (isLinked && isDue(record, at, false)) record = step(record, sent(at));
        }
        expect(deadline(record, isLinked)).toBeUndefined();
      }),
    );
  });

  test('sends that are lost are repeated, and the first one that arrives ends it', () => {
    holds(
      fc.property(fc.nat(20), (lost) => {
        let record = queued();
        for (let attempt = 1; !isFinalJobState(record.state); attempt += 1) {
          const at = NOW + attempt * S;
          expect(isDue(record, at, true)).toBe(true);
          record = step(record, sent(at, true));
          if (attempt > lost) record = step(step(record, received(at)), completed(at));
        }
        expect(record).toMatchObject({ state: 'completed', attempts: lost + 1 });
      }),
      100,
    );
  });
});

describe('a command on the wire', () => {
  test('is signed over the golden text', () => {
    const { node, signing_text: text, command } = v.parse(Golden, golden('signed-command'));
    const { id, runtime, args, issued_at: issued, expires_at: expires } = command;
    const record = {
      ...newCommand({ node, runtime, kind: 'restore', args }, id, Date.parse(issued)),
      signature: '',
    };
    expect(signingText({ ...record, expiresAt: Date.parse(expires) })).toBe(text);
  });
});
