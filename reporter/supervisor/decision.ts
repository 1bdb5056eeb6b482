// Owns one decision in the making: a copy of a runtime's state, the effects asked for, and the moves that change both.
// What leads to which move is decided by wishes.ts and news.ts.

import { fullJitterMs } from '../backoff.ts';
import { remainingRestarts, resetAtMs } from './restart-budget.ts';
import {
  budgetRule,
  STABLE_AFTER_MS,
  type AfterStop,
  type Effect,
  type Operation,
  type OperationKind,
  type Outcome,
  type Policy,
  type RuntimeState,
  type TimerName,
} from './state.ts';
import { withWish, type Variant } from './variant.ts';

/** Operations that end when the runtime is ready. */
export const BRINGS_UP: readonly OperationKind[] = ['start', 'restore', 'switch'];

export class Decision {
  state: RuntimeState;
  readonly effects: Effect[] = [];
  readonly nowMs: number;
  readonly policy: Policy;

  constructor(state: RuntimeState, nowMs: number, policy: Policy) {
    this.state = { ...state };
    this.nowMs = nowMs;
    this.policy = policy;
  }

  launch(spend: boolean, reason?: string): void {
    this.cancel('wait');
    this.state.launch += 1;
    const { launch, variant } = this.state;
    const why = reason !== undefined && { reason };
    this.state.phase = { kind: 'launching', sinceMs: this.nowMs, spend, variant, ...why };
    this.effects.push({ kind: 'launch', launch, variant });
  }

  stop(pid: number, after: AfterStop): void {
    this.cancel('load');
    this.state.phase = { kind: 'stopping', pid, sinceMs: this.nowMs, killed: false, stuck: false, after };
    this.effects.push({ kind: 'signal', signal: 'SIGTERM' });
    this.arm('kill', this.policy.stopGraceMs);
  }

  stopThen(after: AfterStop): void {
    if (this.state.phase.kind === 'stopping') this.state.phase = { ...this.state.phase, after };
  }

  rest(): void {
    this.cancel('wait');
    this.state.attempt = 0;
    this.state.phase = { kind: 'resting' };
    this.settleAll(['shutdown'], { ok: true, result: { state: 'offline' } });
  }

  afterFailure(reason: string, jitter: number, servedMs: number): void {
    this.settleAll(BRINGS_UP, failure('failed', reason));
    if (this.state.wanted === 'down') return this.rest();
    this.state.attempt = servedMs >= STABLE_AFTER_MS ? 1 : this.state.attempt + 1;
    if (this.remaining() === 0) return this.fail(reason);
    this.wait(fullJitterMs(this.policy.backoff, this.state.attempt, jitter), true, 'crash', reason);
  }

  wait(delayMs: number, spend: boolean, cause: 'crash' | 'blocked', reason: string): void {
    this.state.phase = { kind: 'waiting', untilMs: this.nowMs + delayMs, spend, cause, reason };
    this.arm('wait', delayMs);
  }

  fail(reason: string): void {
    this.state.phase = { kind: 'failed', reason };
  }

  /** Only where the wish is granted: a refused one must not change what the next launch does. */
  takeVariant(wish: { variant?: Variant }): void {
    this.state.variant = withWish(this.state.variant, wish.variant);
  }

  giveUpWaiting(pid: number): void {
    const outcome = failure('stuck', `Process ${pid} does not end even after SIGKILL`);
    this.settleAll([...BRINGS_UP, 'shutdown'], outcome);
  }

  want(wanted: 'up' | 'down', operation: Operation): void {
    const { phase } = this.state;
    this.state.wanted = wanted;
    if (wanted === 'up') this.state.keptDown = false;
    this.state.pending = [...this.state.pending, operation];
    if (wanted === 'up') {
      const superseded = failure('superseded', `A ${operation.kind} was asked for meanwhile`);
      this.settleAll(['shutdown'], superseded);
    }
    if (phase.kind === 'stopping' && phase.stuck) this.giveUpWaiting(phase.pid);
  }

  /** New work is taken again; a drain that still waits fails, with `why`. */
  endDrain(why: string): void {
    this.settleAll(['drain'], failure('superseded', why));
    this.state.drain = undefined;
    this.cancel('drain');
  }

  /** It goes on draining, but nobody waits for what was to follow. */
  giveUpDrain(why: string): void {
    this.settleAll(['drain'], failure('superseded', why));
    if (this.state.drain !== undefined) {
      this.state.drain = { ...this.state.drain, after: 'hold', emptyLooks: undefined };
    }
    this.cancel('drain');
  }

  settleAll(kinds: readonly OperationKind[], outcome: Outcome): void {
    for (const operation of this.state.pending) {
      if (kinds.includes(operation.kind)) this.settle(operation, outcome);
    }
  }

  settle(operation: Operation, outcome: Outcome): void {
    this.state.pending = this.state.pending.filter((pending) => pending.id !== operation.id);
    const told = outcome.ok
      ? { ok: true as const, result: { ...outcome.result, ...operation.note } }
      : outcome;
    this.effects.push({ kind: 'settle', operation, outcome: told });
  }

  exhausted(): Outcome {
    const resetAt = resetAtMs(this.state.spent, budgetRule(this.state, this.policy), this.nowMs);
    const when = resetAt === undefined ? '' : `; resets at ${new Date(resetAt).toISOString()}`;
    return failure('budget-exhausted', `Restart budget exhausted${when}`);
  }

  remaining(): number {
    return remainingRestarts(this.state.spent, budgetRule(this.state, this.policy), this.nowMs);
  }

  arm(timer: TimerName, delayMs: number): void {
    this.effects.push({ kind: 'arm-timer', timer, atMs: this.nowMs + delayMs });
  }

  cancel(timer: TimerName): void {
    this.effects.push({ kind: 'cancel-timer', timer });
  }
}

export function failure(reason: string, message: string): Outcome {
  return { ok: false, error: { reason, message } };
}
