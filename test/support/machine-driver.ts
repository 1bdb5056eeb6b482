// Owns one state machine under test: events in, effects out, a clock that only moves when it is told to.

import { step } from '../../reporter/supervisor/machine.ts';
import {
  initialState,
  type Effect,
  type Observation,
  type Outcome,
  type Policy,
  type ReadyObservation,
  type RuntimeEvent,
  type RuntimeState,
  type TimerName,
} from '../../reporter/supervisor/state.ts';

export const T0 = Date.parse('2026-11-22T12:00:00.000Z');

export const POLICY: Policy = {
  budget: { maxRestarts: 3, windowMs: 600_000 },
  backoff: { baseMs: 1_000, capMs: 60_000 },
  loadLimitMs: 30_000,
  stopGraceMs: 5_000,
  wedgeMs: 60_000,
};

export const READY: ReadyObservation = {
  kind: 'ready',
  health: { capacity: 4 },
  models: [],
  sleeping: false,
  notes: [],
};
export const TOKENLESS: ReadyObservation = {
  ...READY,
  idleProbes: [{ kind: 'unanswered', reason: 'no token within 30 s' }],
};
export const FAILING: Observation = { kind: 'failing', reason: 'timeout after 3000 ms' };
export const LOADING: Observation = { kind: 'loading', detail: 'Loading model' };

export class MachineDriver {
  state: RuntimeState = initialState();
  nowMs = T0;
  /** The effects of the last event. */
  effects: Effect[] = [];
  readonly policy: Policy;
  #operations = 0;

  constructor(policy: Partial<Policy> = {}) {
    this.policy = { ...POLICY, ...policy };
  }

  send(event: RuntimeEvent): this {
    const next = step(this.state, event, this.nowMs, this.policy);
    this.state = next.state;
    this.effects = next.effects;
    return this;
  }

  after(delayMs: number): this {
    this.nowMs += delayMs;
    return this;
  }

  /** Posts an operation; its id is `<kind>-<number>`, counted from 1 over all operations. */
  start(): this {
    return this.send({ kind: 'start', operation: { id: this.#id('start'), kind: 'start' } });
  }

  restore(options: { restart?: boolean; force?: boolean; preset?: string } = {}): this {
    const { restart = true, force = false, preset } = options;
    const operation = { id: this.#id('restore'), kind: 'restore' as const };
    return this.send({
      kind: 'restore',
      operation,
      restart,
      force,
      ...(preset !== undefined && { variant: { preset } }),
    });
  }

  shutdown(lasting = true): this {
    return this.send({
      kind: 'shutdown',
      operation: { id: this.#id('shutdown'), kind: 'shutdown' },
      lasting,
    });
  }

  spawned(pid = 100 + this.state.launch): this {
    return this.send({ kind: 'spawned', launch: this.state.launch, pid });
  }

  blocked(...reasons: string[]): this {
    return this.send({ kind: 'blocked', launch: this.state.launch, reasons });
  }

  observed(observation: Observation): this {
    return this.send({ kind: 'observed', launch: this.state.launch, observation });
  }

  /** @param jitter 1 makes the backoff as long as it can be. */
  exited(reason = 'Process failed (exit code 1)', jitter = 1): this {
    const exit = { code: 1, signal: null, atMs: this.nowMs };
    return this.send({ kind: 'exited', launch: this.state.launch, exit, reason, jitter });
  }

  timer(timer: TimerName): this {
    return this.send({ kind: 'timer', timer });
  }

  /** From rest to serving, as an operator does it. */
  toServing(): this {
    return this.start().spawned().observed(READY);
  }

  /** Crashes, waits and serves again: spends one restart. */
  crashAndReturn(): this {
    return this.exited().timer('wait').spawned().observed(READY);
  }

  /** Crashes and returns until nothing is left of the budget. */
  exhaust(): this {
    const { maxRestarts } = this.policy.budget;
    for (let crash = this.state.spent.length; crash < maxRestarts; crash += 1)
      this.after(1_000).crashAndReturn();
    if (this.state.spent.length < maxRestarts) throw new Error('A crash spent nothing of the budget');
    return this;
  }

  get phase(): RuntimeState['phase']['kind'] {
    return this.state.phase.kind;
  }

  /** What the last event settled, by operation id. */
  get settled(): Record<string, Outcome> {
    return Object.fromEntries(
      this.effects.flatMap((effect) =>
        effect.kind === 'settle' ? [[effect.operation.id, effect.outcome] as const] : [],
      ),
    );
  }

  get signals(): string[] {
    return this.effects.flatMap((effect) => (effect.kind === 'signal' ? [effect.signal] : []));
  }

  get launches(): number {
    return this.effects.filter((effect) => effect.kind === 'launch').length;
  }

  /** Timers that the last event armed, with the delay in ms. */
  get armed(): Record<string, number> {
    return Object.fromEntries(
      this.effects.flatMap((effect) =>
        effect.kind === 'arm-timer' ? [[effect.timer, effect.atMs - this.nowMs] as const] : [],
      ),
    );
  }

  #id(kind: string): string {
    this.#operations += 1;
    return `${kind}-${this.#operations}`;
  }
}
