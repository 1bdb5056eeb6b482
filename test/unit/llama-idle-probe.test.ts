// When an idle model is asked for one token, and what follows from the answer: all of it decided without a clock.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  afterAnswer,
  afterLook,
  freshIdleProbe,
  type Idleness,
  type IdleProbeState,
  type TokenAnswer,
} from '../../reporter/backends/llama-idle-probe.ts';
import { idleProbeRule, sleepIdleMs } from '../../reporter/backends/llama-idle-rule.ts';
import { holds } from '../support/property.ts';

const EVERY_MS = 300_000;
const LOOK_MS = 2_500;
const IDLE: Idleness = { kind: 'idle', counters: '21 12' };
const UNKNOWN: Idleness = { kind: 'unknown' };
const AWAY: Idleness = { kind: 'away' };
const NONE: TokenAnswer = { kind: 'none', reason: 'no token within 30 s' };
const TOKEN: TokenAnswer = { kind: 'token' };
const busy = (mark: string, slots = 1): Idleness => ({ kind: 'busy', slots, mark });

/** One model under its looks; `asked` counts the questions. */
class Model {
  state: IdleProbeState = freshIdleProbe();
  nowMs = 0;
  asked = 0;
  news: unknown[] = [];

  look(seen: Idleness, times = 1): this {
    for (let index = 0; index < times; index += 1) {
      const next = afterLook(this.state, seen, this.nowMs, EVERY_MS);
      this.state = next.state;
      if (next.ask) this.asked += 1;
      this.nowMs += LOOK_MS;
    }
    return this;
  }

  answer(answer: TokenAnswer): this {
    const next = afterAnswer(this.state, answer, this.nowMs);
    this.state = next.state;
    if (next.news) this.news.push(next.news.kind);
    return this;
  }

  /** Idle until it is asked. */
  rest(): this {
    const before = this.asked;
    while (this.asked === before) this.look(IDLE);
    return this;
  }
}

describe('when it is asked', () => {
  test('once it has been idle for long enough, and then again after as long', () => {
    const model = new Model().look(IDLE, EVERY_MS / LOOK_MS);
    expect(model.asked).toBe(0);
    model.look(IDLE);
    expect(model.asked).toBe(1);
    model.answer(TOKEN).look(IDLE, EVERY_MS / LOOK_MS);
    expect(model.asked).toBe(1);
    model.look(IDLE);
    expect(model.asked).toBe(2);
  });
  test.each<[string, Idleness]>([
    ['a busy slot', busy('0:1:1')],
    ['work that is over by now, seen in the counters', { kind: 'idle', counters: '42 24' }],
    ['a look without slots', UNKNOWN],
    ['a sleep', AWAY],
  ])('%s begins the rest anew', (_what, between) => {
    const model = new Model().look(IDLE, EVERY_MS / LOOK_MS - 1).look(between);
    model.look({ ...IDLE, counters: '42 24' }, EVERY_MS / LOOK_MS - 1);
    expect(model.asked).toBe(0);
  });
  test.each<[string, Idleness]>([
    ['busy', busy('0:1:1')],
    ['asleep', AWAY],
    ['unknown', UNKNOWN],
  ])('never while it is %s', (_what, seen) => {
    expect(new Model().look(seen, 10_000).asked).toBe(0);
  });
  test('never while a question is open', () => {
    expect(new Model().rest().look(IDLE, 10_000).asked).toBe(1);
  });
  test('a server without figures in /metrics is judged by its slots', () => {
    expect(new Model().look({ kind: 'idle' }, EVERY_MS / LOOK_MS + 1).asked).toBe(1);
  });
});

describe('what an answer means', () => {
  test('a token is good news, and so is whatever moved meanwhile', () => {
    expect(new Model().rest().answer(TOKEN).news).toEqual(['settled']);
    expect(new Model().rest().look(busy('0:7:1')).look(busy('0:7:2')).answer(NONE).news).toEqual(['settled']);
    // Two busy slots: one of them is somebody else's, who came in first.
    expect(new Model().rest().look(busy('0:7:1 1:8:1', 2)).answer(NONE).news).toEqual(['settled']);
  });
  test('no token is a failure, whether its slot stands still or never began', () => {
    expect(new Model().rest().answer(NONE).news).toEqual(['unanswered']);
    expect(new Model().rest().look(busy('0:7:1'), 5).answer(NONE).news).toEqual(['unanswered']);
  });
  test('a doubt is settled at the next idle look, later ones keep their distance', () => {
    const model = new Model().rest().look(IDLE).answer(NONE).look(IDLE);
    expect(model.asked).toBe(2);
    model.answer(NONE).look(IDLE, 10);
    expect(model.asked).toBe(2);
    expect(model.rest().answer(TOKEN).news).toEqual(['unanswered', 'unanswered', 'settled']);
  });
  test('a server that fell silent with the question is asked again; one that can only not be read is not', () => {
    const silent = new Model().rest().look(UNKNOWN, 10).answer(NONE).look(UNKNOWN);
    expect(silent.asked).toBe(2);
    const read = new Model().rest().look(IDLE).answer(NONE).look(UNKNOWN, 10);
    expect(read.asked).toBe(1);
    // Somebody's long prompt keeps /slots from answering: no reason to ask.
    const working = new Model().rest().answer(NONE).look(busy('0:1:1')).look(UNKNOWN, 10);
    expect(working.asked).toBe(1);
  });
  test('a process that is ending proves nothing', () => {
    const model = new Model().rest().answer({ kind: 'inconclusive' }).look(IDLE, 10);
    expect(model).toMatchObject({ asked: 1, news: [] });
  });
  test('a server that does not serve the question is not asked again', () => {
    const model = new Model().rest().answer({ kind: 'unable', reason: 'HTTP 501' }).look(IDLE, 1_000);
    expect(model).toMatchObject({ asked: 1, news: [], state: { unable: 'HTTP 501' } });
  });
});

test('property: only an idle look, or silence after a question, leads to a question, and one at a time', () => {
  const seen = fc.oneof(
    fc.constantFrom(IDLE, UNKNOWN, AWAY),
    fc.record({ kind: fc.constant('idle' as const), counters: fc.constantFrom('1 1', '2 2') }),
    fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom(1, 2)).map(([mark, slots]) => busy(mark, slots)),
  );
  const event = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(seen, fc.constantFrom(LOOK_MS, EVERY_MS)) },
    { weight: 1, arbitrary: fc.constantFrom(TOKEN, NONE, { kind: 'inconclusive' } as const) },
  );
  holds(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const model = new Model();
      let readSinceFailure = true;
      for (const next of events) {
        const isOpen = model.state.open !== undefined;
        if (!Array.isArray(next)) {
          if (!isOpen) continue;
          readSinceFailure = !(next.kind === 'none') || model.state.open?.read === true;
          model.answer(next);
          continue;
        }
        const [look, passedMs] = next;
        const { asked } = model;
        model.look(look);
        model.nowMs += passedMs;
        const mayAsk = !isOpen && (look.kind === 'idle' || (look.kind === 'unknown' && !readSinceFailure));
        expect(model.asked - asked).toBeLessThanOrEqual(mayAsk ? 1 : 0);
        if (!isOpen && look.kind !== 'unknown') readSinceFailure = true;
      }
    }),
  );
});

describe('the rule', () => {
  test('every 300 s and 30 s for a token, where the manifest says nothing', () => {
    expect(idleProbeRule({}, false)).toEqual({ everyMs: 300_000, timeoutMs: 30_000 });
  });
  test('0 switches it off, and a shorter wedge_seconds is the limit of a token too', () => {
    expect(idleProbeRule({ idle_probe_seconds: 0 }, false)).toBeUndefined();
    expect(idleProbeRule({ wedge_seconds: 10 }, false)).toEqual({ everyMs: 300_000, timeoutMs: 10_000 });
  });
  test('a model that may sleep is asked only where that is asked for', () => {
    expect(idleProbeRule({}, true)).toBeUndefined();
    expect(idleProbeRule({ idle_probe_seconds: 60 }, true)).toMatchObject({ everyMs: 60_000 });
  });
  test.each([
    [['--sleep-idle-seconds', '300'], {}, 300_000],
    [['--sleep-idle-seconds', '-1'], {}, undefined],
    [[], {}, undefined],
    [[], { LLAMA_ARG_SLEEP_IDLE_SECONDS: '60' }, 60_000],
  ])('%j sleeps after %s', (args, env, ms) => {
    expect(sleepIdleMs(args, env)).toBe(ms);
  });
});
