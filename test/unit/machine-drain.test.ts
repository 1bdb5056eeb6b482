// Draining, switching, the budget that a command sets, and the shutdown that lasts: what the machine decides.

import { describe, expect, test } from 'vitest';
import { describe as statusOf } from '../../reporter/supervisor/describe.ts';
import { initialState } from '../../reporter/supervisor/state.ts';
import type { AfterDrain, ReadyObservation } from '../../reporter/supervisor/state.ts';
import { MachineDriver, POLICY, READY, T0 } from '../support/machine-driver.ts';

const machine = (): MachineDriver => new MachineDriver();
const at = (inflight: number, queued = 0): ReadyObservation => ({
  ...READY,
  health: { capacity: 4, inflight_jobs: inflight, queued_jobs: queued },
});
/** Of a server that tells what is at work. */
const serving = (): MachineDriver => machine().toServing().observed(at(0));
const drain = (m: MachineDriver, after: AfterDrain = 'hold', limitMs = 60_000): MachineDriver =>
  m.send({ kind: 'drain', operation: { id: 'drain', kind: 'drain' }, after, limitMs });
const undrain = (m: MachineDriver): MachineDriver =>
  m.send({ kind: 'undrain', operation: { id: 'undrain', kind: 'undrain' } });
const status = (m: MachineDriver) => statusOf('llama', m.state, m.nowMs, m.nowMs, m.policy);

const change = (m: MachineDriver, sandbox: 'none' | 'bwrap' = 'bwrap'): MachineDriver =>
  m.send({
    kind: 'switch',
    operation: { id: 'switch', kind: 'switch', note: { sandbox } },
    variant: { sandbox },
  });

const widen = (m: MachineDriver, maxRestarts: number): MachineDriver =>
  m.send({ kind: 'budget', operation: { id: 'budget', kind: 'budget' }, rule: { maxRestarts } });

describe('drain', () => {
  test('waits while a slot is busy or a request is queued, then holds the runtime up without new work', () => {
    const m = drain(machine().toServing().observed(at(2)));
    expect(m.armed).toEqual({ drain: 60_000 });
    expect(status(m)).toMatchObject({
      state: 'ready',
      draining: true,
      summary: 'Draining (2 of 4 slots busy)',
    });
    for (const busy of [at(1), at(0, 1)]) expect(m.after(500).observed(busy).settled).toEqual({});
    m.after(500).observed(at(0)).after(500).observed(at(0));
    expect(m.settled).toEqual({ drain: { ok: true, result: { draining: true, waited_seconds: 2 } } });
    expect(m.effects).toContainEqual({ kind: 'cancel-timer', timer: 'drain' });
    expect(m).toMatchObject({ phase: 'serving', signals: [] });
    expect(status(m)).toMatchObject({ draining: true, summary: 'Drained (no slot is busy)' });
    expect(status(m).detail).toEqual([
      `Takes no new work since ${new Date(T0).toISOString()}; undrain ends that`,
    ]);
  });
  test('one empty look is not enough, nor are two with work between them', () => {
    const m = drain(serving()).observed(at(0)).observed(at(1)).observed(at(0));
    expect(m.settled).toEqual({});
  });
  test('a figure that is unknown is never taken for empty', () => {
    const m = drain(serving()).observed(READY);
    m.observed({ ...READY, underWay: 0 })
      .observed({ ...READY, underWay: 0 })
      .observed(READY);
    expect(m.settled).toEqual({});
    m.after(60_000).timer('drain');
    expect(m.settled).toMatchObject({
      drain: {
        error: {
          reason: 'drain-timeout',
          message:
            'Not empty after 60 s (how much is at work is not known); it goes on draining until an undrain',
        },
      },
    });
    expect(status(m).draining).toBe(true);
    expect(m.observed(at(0)).observed(at(0)).settled).toEqual({});
  });
  test('then shutdown stops it for good', () => {
    const m = drain(serving(), 'shutdown').observed(at(0)).after(1_000).observed(at(0));
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'], settled: {} });
    expect(m.exited().settled).toEqual({
      drain: { ok: true, result: { state: 'offline', waited_seconds: 1 } },
    });
    expect(m.state).toMatchObject({ wanted: 'down', keptDown: true, drain: undefined });
  });
  test('then restart spends one and works again', () => {
    const m = drain(serving(), 'restart').observed(at(0)).observed(at(0));
    expect(m.exited().spawned().observed(READY).settled).toMatchObject({
      drain: { ok: true, result: { state: 'ready' } },
    });
    expect(m.state).toMatchObject({ drain: undefined });
    expect(m.state.spent).toHaveLength(1);
  });
  test('then restart without a budget is refused, and it goes on draining', () => {
    const m = drain(serving().exhaust().observed(at(1)), 'restart')
      .observed(at(0))
      .observed(at(0));
    expect(m.settled).toMatchObject({ drain: { ok: false, error: { reason: 'budget-exhausted' } } });
    expect(m).toMatchObject({ phase: 'serving', signals: [] });
    expect(status(m).draining).toBe(true);
  });
  test('of a runtime without a process acts at once', () => {
    expect(drain(machine(), 'hold').settled).toMatchObject({
      drain: { ok: true, result: { waited_seconds: 0 } },
    });
    const m = drain(serving().exited(), 'shutdown');
    expect(m).toMatchObject({
      phase: 'resting',
      settled: { drain: { ok: true, result: { state: 'offline' } } },
    });
  });
  test('a crash while it waits completes a drain to shut down, and leaves no child', () => {
    const m = drain(serving(), 'shutdown').exited();
    expect(m).toMatchObject({ phase: 'resting', launches: 0, settled: { drain: { ok: true } } });
  });
  test('a manifest that restarts it while it waits completes a drain to shut down; a start of meanwhile is told', () => {
    const m = drain(serving(), 'shutdown').send({ kind: 'replaced', relaunch: true, variant: {} }).start();
    expect(m.phase).toBe('stopping');
    m.exited();
    expect(m).toMatchObject({ phase: 'resting', launches: 0 });
    expect(m.settled).toMatchObject({
      drain: { ok: true, result: { state: 'offline' } },
      'start-2': { ok: false, error: { reason: 'superseded' } },
    });
    expect(m.state.pending).toEqual([]);
  });
  test('a crash while it waits fails any other drain; what comes back takes no new work', () => {
    const m = drain(serving()).exited();
    expect(m.settled).toMatchObject({ drain: { ok: false, error: { reason: 'failed' } } });
    m.timer('wait').spawned().observed(at(0));
    expect(status(m)).toMatchObject({ state: 'ready', draining: true });
  });
  test('undrain ends it, and tells the drain that waits', () => {
    const m = undrain(drain(serving()));
    expect(m.settled).toEqual({
      drain: { ok: false, error: { reason: 'superseded', message: 'An undrain was asked for meanwhile' } },
      undrain: { ok: true, result: { draining: false } },
    });
    expect(status(m)).not.toHaveProperty('draining');
    expect(undrain(m).settled).toMatchObject({ undrain: { ok: true, result: { already: true } } });
  });
  test('a start that finds it serving leaves it draining; a restore that restarts it does not', () => {
    const m = drain(serving()).start();
    expect(status(m).draining).toBe(true);
    m.restore();
    expect(m.settled).toMatchObject({ drain: { ok: false, error: { reason: 'superseded' } } });
    expect(m.exited().spawned().observed(READY).state.drain).toBeUndefined();
  });
  test('the end of the reporter keeps it draining for the next one', () => {
    const m = drain(serving()).shutdown(false);
    expect(m.settled).toMatchObject({ drain: { ok: false, error: { reason: 'superseded' } } });
    expect(m.exited().state).toMatchObject({ keptDown: false, drain: { after: 'hold' } });
  });
  test('waits for what the gateway has passed on, though no slot has it yet', () => {
    const m = drain(serving())
      .observed({ ...at(0), underWay: 1 })
      .observed({ ...at(0), underWay: 1 });
    expect(m.settled).toEqual({});
    expect(status(m).summary).toBe('Draining (0 of 4 slots busy, 1 under way through the gateway)');
    m.observed({ ...at(0), underWay: 0 }).observed({ ...at(0), underWay: 0 });
    expect(m.settled).toEqual({ drain: { ok: true, result: { draining: true, waited_seconds: 0 } } });
  });
  test('of a server that does not tell what is at work is judged by the gateway alone', () => {
    const m = drain(
      machine()
        .toServing()
        .observed({ ...READY, underWay: 2 }),
    );
    expect(status(m).summary).toBe('Draining (2 under way through the gateway)');
    expect(m.observed({ ...READY, underWay: 1 }).observed({ ...READY, underWay: 0 }).settled).toEqual({});
    expect(m.after(2_000).observed({ ...READY, underWay: 0 }).settled).toEqual({
      drain: { ok: true, result: { draining: true, waited_seconds: 2, counted_by: 'gateway' } },
    });
    expect(status(m).summary).toBe('Drained (nothing is under way through the gateway)');
  });
  test('that the gateway does not see end in time tells its count', () => {
    const m = drain(
      machine()
        .toServing()
        .observed({ ...READY, underWay: 2 }),
    );
    expect(m.after(60_000).timer('drain').settled).toMatchObject({
      drain: {
        error: {
          message:
            'Not empty after 60 s (2 under way through the gateway); it goes on draining until an undrain',
        },
      },
    });
  });
  test('where nobody tells what is at work is refused at once, and changes nothing', () => {
    const m = drain(machine().toServing());
    expect(m.settled).toMatchObject({
      drain: {
        ok: false,
        error: { reason: 'work-unknown', message: expect.stringContaining('no gateway is open here') },
      },
    });
    expect(m.armed).toEqual({});
    expect(status(m)).not.toHaveProperty('draining');
    expect(m.exited().timer('wait').spawned().observed(at(1)).state.tellsWork).toBe(true);
  });
});

describe('switch', () => {
  test('of a runtime that is up costs one restart', () => {
    const m = change(machine().toServing());
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'] });
    m.exited();
    expect(m.effects).toContainEqual({ kind: 'launch', launch: 2, variant: { sandbox: 'bwrap' } });
    expect(m.spawned().observed(READY).settled).toMatchObject({
      switch: { ok: true, result: { state: 'ready', sandbox: 'bwrap' } },
    });
    expect(m.state.spent).toHaveLength(1);
  });
  test('to what it is already costs nothing', () => {
    const m = change(change(machine()));
    expect(m.settled).toEqual({ switch: { ok: true, result: { already: true, sandbox: 'bwrap' } } });
  });
  test('of a runtime that is down is taken by its next start', () => {
    const m = change(machine());
    expect(m).toMatchObject({
      phase: 'resting',
      settled: { switch: { ok: true, result: { state: 'offline' } } },
    });
    expect(m.start().effects).toContainEqual({ kind: 'launch', launch: 1, variant: { sandbox: 'bwrap' } });
  });
  test('without a budget is refused and changes nothing', () => {
    const m = change(machine().toServing().exhaust());
    expect(m.settled).toMatchObject({ switch: { ok: false, error: { reason: 'budget-exhausted' } } });
    expect(m).toMatchObject({ phase: 'serving' });
    expect(m.state.variant).toEqual({});
  });
  test('keeps the preset when only the sandbox changes', () => {
    const m = change(machine().restore({ preset: 'long' }).spawned().observed(READY));
    expect(m.state.variant).toEqual({ preset: 'long', sandbox: 'bwrap' });
  });
});

describe('budget', () => {
  test('what was spent still counts, and what it was widened by is free', () => {
    const m = widen(machine().toServing().exhaust(), 5);
    expect(m.settled).toMatchObject({
      budget: {
        ok: true,
        result: { restart_budget: { window_seconds: 600, max_restarts: 5, used: 3, remaining: 2 } },
      },
    });
    expect(m.restore().phase).toBe('stopping');
    expect(status(m).restart_budget).toMatchObject({ max_restarts: 5 });
  });
  test('a runtime that failed for want of it stays down until it is restored', () => {
    const m = widen(machine().toServing().exhaust().exited(), 4);
    expect(m).toMatchObject({ phase: 'failed', launches: 0 });
    expect(m.restore().phase).toBe('launching');
  });
  test('narrowed below what was spent, nothing is left until enough of it has left the window', () => {
    const m = widen(machine().toServing().exhaust(), 1);
    const [, , last] = m.state.spent;
    expect(status(m).restart_budget).toMatchObject({
      remaining: 0,
      reset_at: new Date((last ?? 0) + POLICY.budget.windowMs).toISOString(),
    });
  });
});

describe('a shutdown that lasts', () => {
  test('is remembered, and forgotten when somebody asks for the runtime', () => {
    expect(machine().toServing().shutdown().exited().state.keptDown).toBe(true);
    expect(machine().shutdown().start().state.keptDown).toBe(false);
    expect(machine().toServing().shutdown(false).exited().state.keptDown).toBe(false);
  });
  test('that a reporter did not bring to its end is ended by the next one', () => {
    const m = machine();
    m.state = initialState({ spent: [], restartsTotal: 0, keptDown: true });
    m.send({ kind: 'adopted', pid: 77, startedAtMs: T0, variant: {} });
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'] });
    expect(m.exited()).toMatchObject({ phase: 'resting', launches: 0 });
  });
});
