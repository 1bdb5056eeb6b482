// The decisions of supervision, phase by phase: what each event leads to, and what it spends.

import { describe, expect, test } from 'vitest';
import { describe as describeRuntime } from '../../reporter/supervisor/describe.ts';
import { BLOCKED_RETRY_MS, STUCK_AFTER_KILL_MS, type Observation } from '../../reporter/supervisor/state.ts';
import { FAILING, LOADING, MachineDriver, READY, T0, TOKENLESS } from '../support/machine-driver.ts';

const machine = (): MachineDriver => new MachineDriver();
const busy = (mark: string): Observation => ({ ...READY, work: { kind: 'busy', slots: 2, mark } });
const GAVE_TOKEN: Observation = { ...READY, idleProbes: [{ kind: 'settled' }] };
const unknown: Observation = { ...READY, work: { kind: 'unknown' } };
const adopted = (): MachineDriver =>
  machine().send({ kind: 'adopted', pid: 77, startedAtMs: T0 - 5_000, variant: { preset: 'long' } });
const crashedAndBack = (): MachineDriver => machine().toServing().crashAndReturn();

const presetOf = (m: MachineDriver): unknown =>
  m.effects
    .map((effect) => (effect.kind === 'launch' ? effect.variant.preset : undefined))
    .find((name) => name !== undefined);

describe('start', () => {
  test('launches, is loading once spawned, and is settled when ready; nothing is spent', () => {
    const m = machine().start();
    expect(m).toMatchObject({ phase: 'launching', launches: 1, settled: {} });
    m.spawned(4242);
    expect(m).toMatchObject({ phase: 'loading', armed: { load: 30_000 } });
    m.observed(LOADING).after(900).observed(READY);
    expect(m.phase).toBe('serving');
    expect(m.settled).toEqual({ 'start-1': { ok: true, result: { state: 'ready', pid: 4242 } } });
    expect(m.effects).toContainEqual({ kind: 'cancel-timer', timer: 'load' });
    expect(m.state).toMatchObject({ spent: [], restartsTotal: 0, startedAtMs: T0 });
  });
  test('of a serving runtime changes nothing and says so', () => {
    const m = machine().toServing().start();
    expect(m).toMatchObject({ phase: 'serving', launches: 0, signals: [] });
    expect(m.settled['start-2']).toMatchObject({ ok: true, result: { already_running: true } });
  });
  test('twice launches once, and both are settled', () => {
    const m = machine().start().start();
    expect(m.launches).toBe(0);
    m.spawned().start().observed(READY);
    expect(Object.keys(m.settled)).toEqual(['start-1', 'start-2', 'start-3']);
  });
  test('while stopping on purpose comes up again after the end, and the shutdown is superseded', () => {
    const m = machine().toServing().shutdown().start();
    expect(m.settled['shutdown-2']).toMatchObject({ ok: false, error: { reason: 'superseded' } });
    expect(m.phase).toBe('stopping');
    m.exited();
    expect(m).toMatchObject({ phase: 'launching', launches: 1 });
    m.spawned().observed(READY);
    expect(m.settled['start-3']).toMatchObject({ ok: true });
    expect(m.state.spent).toEqual([]);
  });
  test('of a crashed runtime is a restart', () => {
    const m = machine().toServing().exited().start();
    expect(m).toMatchObject({ phase: 'launching', launches: 1 });
    expect(m.effects).toContainEqual({ kind: 'cancel-timer', timer: 'wait' });
    expect(m.spawned().state.spent).toHaveLength(1);
  });
});

describe('crash', () => {
  test('waits with backoff, launches, and spends one restart when the child is there', () => {
    const m = machine().toServing().exited('Process crashed', 0.5);
    expect(m).toMatchObject({ phase: 'waiting', armed: { wait: 500 } });
    expect(m.state.phase).toMatchObject({ cause: 'crash', reason: 'Process crashed', untilMs: T0 + 500 });
    expect(m.state).toMatchObject({
      spent: [],
      lastExit: { code: 1 },
      observation: undefined,
      startedAtMs: undefined,
    });
    m.after(500).timer('wait');
    expect(m).toMatchObject({ phase: 'launching', launches: 1 });
    m.spawned();
    expect(m.state).toMatchObject({ spent: [T0 + 500], restartsTotal: 1 });
  });
  test('while loading is the end of the start that waits for it, and is tried again', () => {
    const m = machine().start().spawned().exited('Process failed: the model file is missing');
    expect(m.settled['start-1']).toEqual({
      ok: false,
      error: { reason: 'failed', message: 'Process failed: the model file is missing' },
    });
    expect(m.phase).toBe('waiting');
  });
  test('again and again waits longer each time, up to the cap', () => {
    const m = new MachineDriver({ budget: { maxRestarts: 100, windowMs: 600_000 } }).toServing();
    const waits: number[] = [];
    for (let crash = 0; crash < 9; crash += 1) {
      m.exited();
      waits.push(m.armed['wait'] ?? Number.NaN);
      m.timer('wait').spawned().observed(READY);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });
  test('after a minute of service starts the backoff anew', () => {
    const m = machine().toServing().crashAndReturn().crashAndReturn().after(60_000).exited();
    expect(m.armed).toEqual({ wait: 1_000 });
  });
  test('with nothing left is failed, and stays so', () => {
    const m = machine().toServing().exhaust().exited('Process crashed');
    expect(m.phase).toBe('failed');
    expect(m.state.phase).toEqual({ kind: 'failed', reason: 'Process crashed' });
    expect(m).toMatchObject({ armed: {}, launches: 0 });
    expect(m.state.spent).toHaveLength(3);
  });
  test('with a budget of 0 is failed at once', () => {
    const m = new MachineDriver({ budget: { maxRestarts: 0, windowMs: 600_000 } }).toServing().exited();
    expect(m.phase).toBe('failed');
  });
  test('once the oldest restart left the window has one again', () => {
    const m = machine().toServing().exhaust();
    const oldest = m.state.spent[0] ?? Number.NaN;
    m.after(oldest + 600_000 - m.nowMs).exited();
    expect(m.phase).toBe('waiting');
  });
});

describe('restore', () => {
  test('stops a serving runtime, launches it again and spends one', () => {
    const m = machine().toServing().restore();
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'], armed: { kill: 5_000 }, settled: {} });
    m.exited();
    expect(m).toMatchObject({ phase: 'launching', launches: 1 });
    expect(m.effects).toContainEqual({ kind: 'cancel-timer', timer: 'kill' });
    m.spawned(7).observed(READY);
    expect(m.settled).toEqual({ 'restore-2': { ok: true, result: { state: 'ready', pid: 7 } } });
    expect(m.state.spent).toHaveLength(1);
  });
  test('of a stopped runtime launches it and spends one', () => {
    expect(machine().restore().spawned().state.spent).toHaveLength(1);
  });
  test('when exhausted is settled with the reason and the time, and nothing happens', () => {
    const m = machine().toServing().exhaust();
    const resetAt = new Date((m.state.spent[0] ?? 0) + 600_000).toISOString();
    m.restore();
    expect(m).toMatchObject({ phase: 'serving', signals: [], launches: 0 });
    expect(Object.values(m.settled)).toEqual([
      {
        ok: false,
        error: { reason: 'budget-exhausted', message: `Restart budget exhausted; resets at ${resetAt}` },
      },
    ]);
    expect(m.state.pending).toEqual([]);
  });
  test('when exhausted and failed works once the window frees, not a millisecond sooner', () => {
    const m = machine().toServing().exhaust().exited();
    const freesAt = (m.state.spent[0] ?? 0) + 600_000;
    m.after(freesAt - 1 - m.nowMs).restore();
    expect(Object.values(m.settled)).toMatchObject([{ ok: false }]);
    m.after(1).restore();
    expect(m).toMatchObject({ phase: 'launching', launches: 1, settled: {} });
  });
  test('with force goes past an empty budget, and counts', () => {
    const m = machine().toServing().exhaust().restore({ force: true });
    expect(m.phase).toBe('stopping');
    expect(m.exited().spawned().state.spent).toHaveLength(4);
  });
  test('with force brings a failed runtime up, also where it need not be restarted', () => {
    const m = machine().toServing().exhaust().exited().restore({ restart: false, force: true });
    expect(m).toMatchObject({ phase: 'launching', launches: 1, settled: {} });
  });
  test('joins a restore that is under way', () => {
    const m = machine().toServing().restore().restore();
    expect(m).toMatchObject({ signals: [], settled: {} });
    m.exited().restore();
    expect(m.launches).toBe(0);
    m.spawned().restore();
    expect(m.signals).toEqual([]);
    m.observed(READY);
    expect(Object.keys(m.settled)).toEqual(['restore-2', 'restore-3', 'restore-4', 'restore-5']);
    expect(m.state.spent).toHaveLength(1);
  });
  test('of a runtime that loads after a crash restarts it', () => {
    const m = machine().toServing().exited().timer('wait').spawned().restore();
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'] });
    expect(m.exited().spawned().state.spent).toHaveLength(2);
  });
  test('during a backoff launches now, for the restart that was due anyhow', () => {
    const m = machine().toServing().exited().restore();
    expect(m).toMatchObject({ phase: 'launching', launches: 1 });
    expect(m.spawned().state.spent).toHaveLength(1);
  });
  test('without restart leaves a serving runtime alone', () => {
    const m = machine().toServing().restore({ restart: false });
    expect(m).toMatchObject({ phase: 'serving', signals: [] });
    expect(m.settled['restore-2']).toMatchObject({ ok: true, result: { already_running: true } });
  });
  test('while stopping for a failure turns it into a restart', () => {
    const m = machine().start().spawned().timer('load').restore().exited();
    expect(m).toMatchObject({ phase: 'launching', launches: 1 });
  });
});

describe('preset', () => {
  test('is what the next launch gets, and the ones after it', () => {
    const m = machine().toServing().restore({ preset: 'long' }).exited();
    expect(presetOf(m)).toBe('long');
    expect(presetOf(m.spawned().observed(READY).exited().timer('wait'))).toBe('long');
  });
  test('of a refused restore changes nothing', () => {
    const m = machine().toServing().exhaust().restore({ preset: 'long' });
    expect(m.state.variant.preset).toBeUndefined();
  });
  test('of a restore that leaves a serving runtime alone changes nothing', () => {
    expect(
      machine().toServing().restore({ restart: false, preset: 'long' }).state.variant.preset,
    ).toBeUndefined();
  });
  test('another than the one that loads is not joined: the child is restarted with it', () => {
    const m = machine()
      .toServing()
      .restore({ preset: 'short' })
      .exited()
      .spawned()
      .restore({ preset: 'long' });
    expect(m.phase).toBe('stopping');
    expect(presetOf(m.exited())).toBe('long');
  });
  test('another than the one that is being launched is launched next, for the same restart', () => {
    const m = machine().restore({ preset: 'short' }).restore({ preset: 'long' });
    expect(m.launches).toBe(0);
    m.spawned();
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'] });
    expect(presetOf(m.exited())).toBe('long');
    m.spawned().observed(READY);
    expect(Object.keys(m.settled)).toEqual(['restore-1', 'restore-2']);
    expect(m.state.spent).toHaveLength(1);
  });
  test('another is tried where the one before was blocked', () => {
    const m = machine().restore({ preset: 'short' }).restore({ preset: 'long' }).blocked('short is missing');
    expect(m.settled).toEqual({});
    expect(presetOf(m)).toBe('long');
  });
});

describe('shutdown', () => {
  test.each<[string, (m: MachineDriver) => MachineDriver]>([
    ['resting', (m) => m],
    ['waiting after a crash', (m) => m.toServing().exited()],
    ['waiting because it is blocked', (m) => m.start().blocked('no file')],
    ['failed', (m) => m.toServing().exhaust().exited()],
  ])('while %s is settled at once', (_phase, lead) => {
    const m = lead(machine()).shutdown();
    expect(m).toMatchObject({ phase: 'resting', signals: [] });
    expect(Object.values(m.settled)).toEqual([{ ok: true, result: { state: 'offline' } }]);
    expect(m.effects).toContainEqual({ kind: 'cancel-timer', timer: 'wait' });
    expect(m.state).toMatchObject({ wanted: 'down', pending: [] });
  });
  test.each<[string, (m: MachineDriver) => MachineDriver]>([
    ['loading', (m) => m.start().spawned()],
    ['serving', (m) => m.toServing()],
  ])('while %s stops the child and is settled at its end', (_phase, lead) => {
    const m = lead(machine()).shutdown();
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'], armed: { kill: 5_000 } });
    m.exited();
    expect(m.phase).toBe('resting');
    expect(Object.values(m.settled)).toEqual([{ ok: true, result: { state: 'offline' } }]);
  });
  test('while launching waits for the child, and stops it before it loads', () => {
    const m = machine().start().shutdown();
    expect(m.settled).toMatchObject({ 'start-1': { ok: false, error: { reason: 'superseded' } } });
    m.spawned();
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'] });
    expect(m.exited().settled).toMatchObject({ 'shutdown-2': { ok: true } });
  });
  test('while launching is settled where the launch is blocked, and it is not tried again', () => {
    const m = machine().start().shutdown().blocked('no file');
    expect(m).toMatchObject({ phase: 'resting', armed: {} });
    expect(m.settled).toMatchObject({ 'shutdown-2': { ok: true } });
  });
  test('while restarting stops for good, and the restore is superseded', () => {
    const m = machine().toServing().restore().shutdown();
    expect(m.settled).toMatchObject({ 'restore-2': { ok: false, error: { reason: 'superseded' } } });
    m.exited();
    expect(m).toMatchObject({ phase: 'resting', launches: 0 });
  });
  test('twice is settled twice', () => {
    const m = machine().toServing().shutdown().shutdown().exited();
    expect(Object.keys(m.settled)).toEqual(['shutdown-2', 'shutdown-3']);
  });
  test('of a runtime that stops for a failure leaves it down', () => {
    const m = machine().start().spawned().timer('load').shutdown().exited();
    expect(m).toMatchObject({ phase: 'resting', launches: 0, armed: {} });
  });
});

describe('stopping', () => {
  test('SIGTERM, the grace, then SIGKILL', () => {
    const m = machine().toServing().shutdown().after(5_000).timer('kill');
    expect(m).toMatchObject({ signals: ['SIGKILL'], armed: { stuck: STUCK_AFTER_KILL_MS } });
    expect(m.state.phase).toMatchObject({ kind: 'stopping', killed: true });
    m.exited();
    expect(m.phase).toBe('resting');
  });
  test('a process that survives SIGKILL does not hold its operations', () => {
    const m = machine().toServing().shutdown().timer('kill').timer('stuck');
    expect(m.settled).toMatchObject({ 'shutdown-2': { ok: false, error: { reason: 'stuck' } } });
    expect(m.phase).toBe('stopping');
  });
  test('nor those that come later', () => {
    const m = machine().toServing().shutdown().timer('kill').timer('stuck').shutdown();
    expect(m.settled).toMatchObject({ 'shutdown-3': { ok: false, error: { reason: 'stuck' } } });
    m.restore();
    expect(m.settled).toMatchObject({ 'restore-4': { ok: false, error: { reason: 'stuck' } } });
  });
  test('whose end comes after all does what was wanted last', () => {
    const m = machine().toServing().shutdown().timer('kill').timer('stuck').restore().exited();
    expect(m).toMatchObject({ phase: 'launching', launches: 1 });
  });
});

describe('load limit', () => {
  test('a start that takes too long is stopped and counts as a failure', () => {
    const m = machine().start().spawned().observed(FAILING).observed(LOADING).after(30_000).timer('load');
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'], settled: {} });
    m.exited();
    expect(m.phase).toBe('waiting');
    expect(m.settled).toMatchObject({
      'start-1': { ok: false, error: { reason: 'failed', message: 'Not ready within 30 s' } },
    });
  });
  test('that fires late, when it serves already, is ignored', () => {
    expect(machine().toServing().timer('load')).toMatchObject({ phase: 'serving', effects: [] });
  });
});

describe('blocked', () => {
  test('spends nothing, says why, and is tried again', () => {
    const m = machine().start().blocked('Model file x does not exist', 'Port 8080 is in use');
    expect(m).toMatchObject({ phase: 'waiting', armed: { wait: BLOCKED_RETRY_MS } });
    expect(m.settled['start-1']).toEqual({
      ok: false,
      error: { reason: 'blocked', message: 'Model file x does not exist; Port 8080 is in use' },
    });
    m.after(BLOCKED_RETRY_MS).timer('wait');
    expect(m.launches).toBe(1);
    m.blocked('still').after(BLOCKED_RETRY_MS).timer('wait').spawned().observed(READY);
    expect(m.phase).toBe('serving');
    expect(m.state).toMatchObject({ spent: [], restartsTotal: 0 });
  });
  test('at a restart spends it when the child is there, not before', () => {
    const m = machine().toServing().exited().timer('wait').blocked('Port 8080 is in use').timer('wait');
    expect(m.state.spent).toEqual([]);
    expect(m.spawned().state.spent).toHaveLength(1);
  });
  test('with an empty budget still comes up by itself, since that is no restart', () => {
    const m = new MachineDriver({ budget: { maxRestarts: 0, windowMs: 1_000 } })
      .start()
      .blocked('x')
      .timer('wait');
    expect(m).toMatchObject({ phase: 'launching', launches: 1 });
  });
  test('after a forced restart it is not tried again past the empty budget', () => {
    const m = machine().toServing().exhaust().exited().restore({ force: true }).blocked('no file');
    expect(m.phase).toBe('waiting');
    m.timer('wait');
    expect(m).toMatchObject({ phase: 'failed', launches: 0 });
    expect(m.state.phase).toMatchObject({ reason: 'no file' });
  });
  test('a restore of it is free and tries at once', () => {
    const m = new MachineDriver({ budget: { maxRestarts: 0, windowMs: 1_000 } })
      .start()
      .blocked('x')
      .restore();
    expect(m).toMatchObject({ phase: 'launching', launches: 1, settled: {} });
  });
});

describe('serving', () => {
  test('one failed look is noise, a good one forgets it', () => {
    const m = machine().toServing().observed(FAILING);
    expect(m.state.phase).toMatchObject({ kind: 'serving', failures: 1, failure: 'timeout after 3000 ms' });
    m.observed(READY);
    expect(m.state.phase).toEqual({ kind: 'serving', pid: 101, sinceMs: T0, failures: 0, goodAtMs: T0 });
  });
  test('unresponsive for too long is restarted under the budget', () => {
    const m = machine().toServing().observed(FAILING).after(59_999).observed(FAILING);
    expect(m.phase).toBe('serving');
    m.after(1).observed(FAILING);
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'] });
    m.exited();
    expect(m.state.phase).toMatchObject({
      kind: 'waiting',
      reason: 'Unresponsive for 60 s (timeout after 3000 ms)',
    });
    expect(m.timer('wait').spawned().state.spent).toHaveLength(1);
  });
  test('unresponsive without headroom is left alone', () => {
    const m = machine().toServing().exhaust().observed(FAILING).after(120_000).observed(FAILING);
    expect(m).toMatchObject({ phase: 'serving', signals: [] });
  });
  test('that loads again is doubted, not called ready', () => {
    expect(machine().toServing().observed(LOADING).state.phase).toMatchObject({
      failures: 1,
      failure: 'Loading model',
    });
  });
});

describe('busy slots', () => {
  test('without a token for too long are wedged: restarted under the budget, with the reason', () => {
    const m = machine().toServing().observed(busy('a')).after(59_999).observed(busy('a'));
    expect(m.phase).toBe('serving');
    m.after(1).observed(busy('a'));
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'] });
    m.exited();
    expect(m.state.phase).toMatchObject({ reason: 'Wedged: 2 busy slots, no token for 60 s' });
    expect(m.timer('wait').spawned().state.spent).toHaveLength(1);
  });
  test('that move, however slowly, are never wedged', () => {
    const m = machine().toServing().observed(busy('0'));
    for (let token = 1; token < 50; token += 1) m.after(59_999).observed(busy(String(token)));
    expect(m).toMatchObject({ phase: 'serving', signals: [] });
  });
  test('that cannot be asked prove nothing, and end no stall', () => {
    const m = machine().toServing().observed(busy('a')).after(120_000).observed(unknown);
    expect(m.phase).toBe('serving');
    expect(m.observed(busy('a')).phase).toBe('stopping');
  });
  test('that became idle in between start anew', () => {
    const m = machine().toServing().observed(busy('a')).after(59_999).observed(READY);
    expect(m.after(59_999).observed(busy('a')).phase).toBe('serving');
  });
  test('wedged without headroom are left alone, and told as degraded', () => {
    const m = machine().toServing().exhaust().observed(busy('a')).after(60_000).observed(busy('a'));
    expect(m).toMatchObject({ phase: 'serving', signals: [] });
    expect(describeRuntime('llama', m.state, m.nowMs, m.nowMs, m.policy)).toMatchObject({
      state: 'degraded',
      summary: 'Wedged: 2 busy slots, no token for 60 s',
    });
  });
});

describe('late news', () => {
  test.each<[string, (m: MachineDriver) => MachineDriver]>([
    [
      'exit',
      (m) =>
        m.send({
          kind: 'exited',
          launch: 1,
          exit: { code: 0, signal: null, atMs: 0 },
          reason: 'x',
          jitter: 0,
        }),
    ],
    ['look', (m) => m.send({ kind: 'observed', launch: 1, observation: FAILING })],
    ['spawn', (m) => m.send({ kind: 'spawned', launch: 1, pid: 1 })],
    ['block', (m) => m.send({ kind: 'blocked', launch: 1, reasons: ['x'] })],
  ])('of an earlier child (%s) is ignored', (_news, late) => {
    const before = crashedAndBack().state;
    const m = late(crashedAndBack());
    expect(m.state).toEqual(before);
    expect(m.effects).toEqual([]);
  });
  test.each(['wait', 'load', 'kill', 'stuck'] as const)(
    'a %s timer that is not waited for is ignored',
    (timer) => {
      const m = machine().toServing();
      const before = m.state;
      expect(m.timer(timer).state).toEqual(before);
      expect(m.effects).toEqual([]);
    },
  );
  test('a state is never changed in place', () => {
    const m = machine().toServing();
    const before = structuredClone(m.state);
    const held = m.state;
    m.exited().timer('wait').spawned();
    expect(held).toEqual(before);
  });
});

describe('adoption', () => {
  test('is looked at like a load, launches nothing and spends nothing', () => {
    const m = adopted();
    expect(m).toMatchObject({ phase: 'loading', launches: 0, armed: { load: 30_000 } });
    expect(m.state).toMatchObject({
      wanted: 'up',
      variant: { preset: 'long' },
      startedAtMs: T0 - 5_000,
      spent: [],
    });
    expect(m.observed(READY).phase).toBe('serving');
  });
  test('a start meanwhile joins it', () => {
    const m = adopted().start();
    expect(m.launches).toBe(0);
    expect(m.observed(READY).settled).toMatchObject({ 'start-1': { ok: true } });
  });
  test('one that never answers is stopped at the load limit and counts as a failure', () => {
    const m = adopted().after(30_000).timer('load');
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'] });
    expect(m.exited().phase).toBe('waiting');
  });
  test('of a runtime that is up already is ignored', () => {
    const m = machine().toServing().send({ kind: 'adopted', pid: 77, startedAtMs: T0, variant: {} });
    expect(m).toMatchObject({ phase: 'serving', effects: [] });
  });
});

describe('a runtime at rest', () => {
  test('that gave no token twice is restarted under the budget, with the reason', () => {
    const m = machine().toServing().observed(TOKENLESS);
    expect(m.phase).toBe('serving');
    m.observed(READY).observed(TOKENLESS);
    expect(m.signals).toEqual(['SIGTERM']);
    expect(m.state.phase).toMatchObject({
      kind: 'stopping',
      after: { kind: 'count-as-failure', reason: 'Idle probe failing (no token within 30 s)' },
    });
  });
  test('that gave a token in between is not', () => {
    const m = machine().toServing();
    for (let probe = 0; probe < 10; probe += 1) m.observed(TOKENLESS).observed(GAVE_TOKEN);
    expect(m.phase).toBe('serving');
  });
  test('keeps its doubt through looks that fail, and through looks that say nothing of it', () => {
    const m = machine().toServing().observed(TOKENLESS).observed(FAILING).observed(READY);
    m.observed(TOKENLESS);
    expect(m.phase).toBe('stopping');
  });
  test('without headroom is left alone, and recovers with a token', () => {
    const m = machine().toServing().exhaust().observed(TOKENLESS).observed(TOKENLESS);
    expect(m).toMatchObject({ phase: 'serving', signals: [] });
    m.observed(GAVE_TOKEN).observed(TOKENLESS);
    expect(m).toMatchObject({ phase: 'serving', signals: [] });
  });
  test('without headroom is restarted once the window frees', () => {
    const m = machine().toServing().exhaust().observed(TOKENLESS).observed(TOKENLESS);
    expect(m.after(600_000).observed(READY).phase).toBe('stopping');
  });
});
