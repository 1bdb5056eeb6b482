// Owns every decision about one runtime: (state, event, now) -> (state, effects). Nothing here acts or reads a clock.

import { fullJitterMs } from '../backoff.ts';
import { remainingRestarts, resetAtMs, spendRestart } from './restart-budget.ts';
import {
  BLOCKED_RETRY_MS,
  STABLE_AFTER_MS,
  STUCK_AFTER_KILL_MS,
  type AfterStop,
  type Effect,
  type Exit,
  type Observation,
  type Operation,
  type OperationKind,
  type Outcome,
  type Policy,
  type RuntimeEvent,
  type RuntimeState,
  type TimerName,
} from './state.ts';

export type Step = { state: RuntimeState; effects: Effect[] };

/** What an operation that brings a runtime up asks for beside that. */
type Wish = { operation: Operation; force?: boolean; preset?: string };

export function step(state: RuntimeState, event: RuntimeEvent, nowMs: number, policy: Policy): Step {
  const decision = new Decision(state, nowMs, policy);
  decision.on(event);
  return { state: decision.state, effects: decision.effects };
}

/** One decision in the making: a copy of the state to change and the list of effects to ask for. */
class Decision {
  state: RuntimeState;
  readonly effects: Effect[] = [];
  readonly #nowMs: number;
  readonly #policy: Policy;

  constructor(state: RuntimeState, nowMs: number, policy: Policy) {
    this.state = { ...state };
    this.#nowMs = nowMs;
    this.#policy = policy;
  }

  on(event: RuntimeEvent): void {
    switch (event.kind) {
      case 'start':
        return this.#bringUp(event);
      case 'restore':
        return event.restart ? this.#restart(event) : this.#bringUp(event);
      case 'shutdown':
        return this.#shutDown(event.operation);
      case 'timer':
        return this.#onTimer(event.timer);
      case 'adopted':
        return this.#onAdopted(event.pid, event.startedAtMs, event.preset);
      case 'spawned':
      case 'blocked':
      case 'exited':
      case 'observed':
        // Late news of an earlier child must not touch the present one.
        if (event.launch !== this.state.launch) return;
        if (event.kind === 'spawned') return this.#onSpawned(event.pid);
        if (event.kind === 'blocked') return this.#onBlocked(event.reasons);
        if (event.kind === 'exited') return this.#onExited(event.exit, event.reason, event.jitter);
        return this.#onObserved(event.observation);
      default:
        return event satisfies never;
    }
  }

  // Wishes of the operator

  #bringUp(wish: Wish): void {
    const { phase } = this.state;
    const { operation } = wish;
    switch (phase.kind) {
      case 'serving':
        this.state.wanted = 'up';
        return this.#settle(operation, { ok: true, result: { state: 'ready', already_running: true } });
      case 'launching':
      case 'loading':
        this.#want('up', operation);
        return;
      case 'stopping':
        this.#adoptPreset(wish);
        this.#want('up', operation);
        if (phase.after.kind === 'rest') this.#stopThen({ kind: 'relaunch', spend: false });
        return;
      case 'resting':
        this.#adoptPreset(wish);
        this.#want('up', operation);
        return this.#launch(false);
      // A crashed runtime that is started again is a restart, by whatever name it is asked for.
      case 'waiting':
      case 'failed':
        return this.#restart(wish);
      default:
        return phase satisfies never;
    }
  }

  #restart(wish: Wish): void {
    const { phase } = this.state;
    const { operation } = wish;
    const otherPreset = wish.preset !== undefined && wish.preset !== this.state.preset;
    const underWay =
      phase.kind === 'launching' ||
      (phase.kind === 'stopping' && phase.after.kind === 'relaunch') ||
      (phase.kind === 'loading' &&
        !otherPreset &&
        this.state.pending.some((pending) => pending.kind !== 'shutdown'));
    const free = phase.kind === 'waiting' && !phase.spend;
    if (!underWay && wish.force !== true && !free && this.#remaining() === 0) {
      return this.#settle(operation, this.#exhausted());
    }
    this.#adoptPreset(wish);
    this.#want('up', operation);
    if (underWay) return;
    switch (phase.kind) {
      case 'serving':
      case 'loading':
        return this.#stop(phase.pid, { kind: 'relaunch', spend: true });
      case 'stopping':
        return this.#stopThen({ kind: 'relaunch', spend: true });
      case 'waiting':
        return this.#launch(phase.spend);
      case 'resting':
      case 'failed':
        return this.#launch(true);
      default:
        return phase satisfies never;
    }
  }

  #shutDown(operation: Operation): void {
    const { phase } = this.state;
    this.#settleAll(['start', 'restore'], failure('superseded', 'A shutdown was asked for meanwhile'));
    this.#want('down', operation);
    switch (phase.kind) {
      case 'serving':
      case 'loading':
        return this.#stop(phase.pid, { kind: 'rest' });
      case 'stopping':
        return this.#stopThen({ kind: 'rest' });
      // The child is about to exist; `spawned` or `blocked` will find that it is not wanted.
      case 'launching':
        return;
      case 'waiting':
      case 'failed':
      case 'resting':
        return this.#rest();
      default:
        return phase satisfies never;
    }
  }

  // News of the child

  /** A child of an earlier reporter: it is looked at like one that loads, and nothing is spent on it. */
  #onAdopted(pid: number, startedAtMs: number, preset: string | undefined): void {
    if (this.state.phase.kind !== 'resting') return;
    this.state.wanted = 'up';
    this.state.launch += 1;
    this.state.preset = preset;
    this.state.startedAtMs = startedAtMs;
    this.state.phase = { kind: 'loading', pid, sinceMs: this.#nowMs };
    this.#arm('load', this.#policy.loadLimitMs);
  }

  #onSpawned(pid: number): void {
    const { phase } = this.state;
    if (phase.kind !== 'launching') return;
    if (phase.spend) {
      this.state.spent = spendRestart(this.state.spent, this.#policy.budget, this.#nowMs);
      this.state.restartsTotal += 1;
    }
    this.state.startedAtMs = this.#nowMs;
    if (this.state.wanted === 'down') return this.#stop(pid, { kind: 'rest' });
    // Another preset was asked for while this one was being launched.
    if (phase.preset !== this.state.preset) return this.#stop(pid, { kind: 'relaunch', spend: false });
    this.state.phase = { kind: 'loading', pid, sinceMs: this.#nowMs };
    this.#arm('load', this.#policy.loadLimitMs);
  }

  #onBlocked(reasons: readonly string[]): void {
    const { phase } = this.state;
    if (phase.kind !== 'launching') return;
    if (this.state.wanted === 'down') return this.#rest();
    if (phase.preset !== this.state.preset) return this.#launch(phase.spend);
    const reason = reasons.join('; ');
    this.#settleAll(['start', 'restore'], failure('blocked', reason));
    this.#wait(BLOCKED_RETRY_MS, phase.spend, 'blocked', reason);
  }

  #onExited(exit: Exit, reason: string, jitter: number): void {
    const { phase } = this.state;
    this.state.lastExit = exit;
    this.state.observation = undefined;
    this.state.startedAtMs = undefined;
    for (const timer of ['load', 'kill', 'stuck'] as const) this.#cancel(timer);
    switch (phase.kind) {
      case 'stopping':
        if (phase.after.kind === 'rest') return this.#rest();
        if (phase.after.kind === 'relaunch') return this.#launch(phase.after.spend);
        return this.#afterFailure(phase.after.reason, jitter, 0);
      case 'loading':
        return this.#afterFailure(reason, jitter, 0);
      case 'serving':
        return this.#afterFailure(reason, jitter, this.#nowMs - phase.sinceMs);
      case 'resting':
      case 'launching':
      case 'waiting':
      case 'failed':
        return;
      default:
        return phase satisfies never;
    }
  }

  #onObserved(observation: Observation): void {
    const { phase } = this.state;
    if (phase.kind === 'loading') {
      if (observation.kind === 'ready') {
        this.#cancel('load');
        this.state.observation = observation;
        this.state.phase = { kind: 'serving', pid: phase.pid, sinceMs: this.#nowMs, failures: 0 };
        this.#settleAll(['start', 'restore'], { ok: true, result: { state: 'ready', pid: phase.pid } });
      } else if (observation.kind === 'loading') {
        this.state.phase = { ...phase, detail: observation.detail };
      }
      // A server that does not answer yet is still on its way; the load limit judges it.
      return;
    }
    if (phase.kind !== 'serving') return;
    if (observation.kind === 'ready') {
      this.state.observation = observation;
      this.state.phase = { kind: 'serving', pid: phase.pid, sinceMs: phase.sinceMs, failures: 0 };
      return;
    }
    const doubt = observation.kind === 'loading' ? observation.detail : observation.reason;
    const failingSinceMs = phase.failingSinceMs ?? this.#nowMs;
    this.state.phase = { ...phase, failures: phase.failures + 1, failingSinceMs, failure: doubt };
    const unresponsive = this.#nowMs - failingSinceMs >= this.#policy.unresponsiveMs;
    // Without headroom a process that may still recover is worth more than a stopped one.
    if (unresponsive && this.#remaining() > 0) {
      const seconds = Math.round((this.#nowMs - failingSinceMs) / 1000);
      const reason = `Unresponsive for ${seconds} s (${doubt})`;
      this.#stop(phase.pid, { kind: 'count-as-failure', reason });
    }
  }

  #onTimer(timer: TimerName): void {
    const { phase } = this.state;
    switch (timer) {
      case 'wait':
        if (phase.kind !== 'waiting') return;
        if (phase.spend && this.#remaining() === 0) return this.#fail(phase.reason);
        return this.#launch(phase.spend);
      case 'load':
        if (phase.kind !== 'loading') return;
        return this.#stop(phase.pid, {
          kind: 'count-as-failure',
          reason: `Not ready within ${Math.round(this.#policy.loadLimitMs / 1000)} s`,
        });
      case 'kill':
        if (phase.kind !== 'stopping') return;
        this.state.phase = { ...phase, killed: true };
        this.effects.push({ kind: 'signal', signal: 'SIGKILL' });
        return this.#arm('stuck', STUCK_AFTER_KILL_MS);
      case 'stuck':
        if (phase.kind !== 'stopping') return;
        this.state.phase = { ...phase, stuck: true };
        return this.#giveUpWaiting(phase.pid);
      default:
        return timer satisfies never;
    }
  }

  // Moves

  #launch(spend: boolean): void {
    this.#cancel('wait');
    this.state.launch += 1;
    const { launch, preset } = this.state;
    this.state.phase = { kind: 'launching', sinceMs: this.#nowMs, spend, preset };
    this.effects.push({ kind: 'launch', launch, preset });
  }

  #stop(pid: number, after: AfterStop): void {
    this.#cancel('load');
    this.state.phase = { kind: 'stopping', pid, sinceMs: this.#nowMs, killed: false, stuck: false, after };
    this.effects.push({ kind: 'signal', signal: 'SIGTERM' });
    this.#arm('kill', this.#policy.stopGraceMs);
  }

  #stopThen(after: AfterStop): void {
    if (this.state.phase.kind === 'stopping') this.state.phase = { ...this.state.phase, after };
  }

  #rest(): void {
    this.#cancel('wait');
    this.state.attempt = 0;
    this.state.phase = { kind: 'resting' };
    this.#settleAll(['shutdown'], { ok: true, result: { state: 'offline' } });
  }

  #afterFailure(reason: string, jitter: number, servedMs: number): void {
    this.#settleAll(['start', 'restore'], failure('failed', reason));
    if (this.state.wanted === 'down') return this.#rest();
    this.state.attempt = servedMs >= STABLE_AFTER_MS ? 1 : this.state.attempt + 1;
    if (this.#remaining() === 0) return this.#fail(reason);
    this.#wait(fullJitterMs(this.#policy.backoff, this.state.attempt, jitter), true, 'crash', reason);
  }

  #wait(delayMs: number, spend: boolean, cause: 'crash' | 'blocked', reason: string): void {
    this.state.phase = { kind: 'waiting', untilMs: this.#nowMs + delayMs, spend, cause, reason };
    this.#arm('wait', delayMs);
  }

  #fail(reason: string): void {
    this.state.phase = { kind: 'failed', reason };
  }

  /** Only where the wish is granted: a refused one must not change what the next launch does. */
  #adoptPreset(wish: Wish): void {
    if (wish.preset !== undefined) this.state.preset = wish.preset;
  }

  #giveUpWaiting(pid: number): void {
    const outcome = failure('stuck', `Process ${pid} does not end even after SIGKILL`);
    this.#settleAll(['start', 'restore', 'shutdown'], outcome);
  }

  #want(wanted: 'up' | 'down', operation: Operation): void {
    const { phase } = this.state;
    this.state.wanted = wanted;
    this.state.pending = [...this.state.pending, operation];
    if (wanted === 'up') {
      const superseded = failure('superseded', `A ${operation.kind} was asked for meanwhile`);
      this.#settleAll(['shutdown'], superseded);
    }
    if (phase.kind === 'stopping' && phase.stuck) this.#giveUpWaiting(phase.pid);
  }

  #settleAll(kinds: readonly OperationKind[], outcome: Outcome): void {
    for (const operation of this.state.pending) {
      if (kinds.includes(operation.kind)) this.#settle(operation, outcome);
    }
  }

  #settle(operation: Operation, outcome: Outcome): void {
    this.state.pending = this.state.pending.filter((pending) => pending.id !== operation.id);
    this.effects.push({ kind: 'settle', operation, outcome });
  }

  #exhausted(): Outcome {
    const resetAt = resetAtMs(this.state.spent, this.#policy.budget, this.#nowMs);
    const when = resetAt === undefined ? '' : `; resets at ${new Date(resetAt).toISOString()}`;
    return failure('budget-exhausted', `Restart budget exhausted${when}`);
  }

  #remaining(): number {
    return remainingRestarts(this.state.spent, this.#policy.budget, this.#nowMs);
  }

  #arm(timer: TimerName, delayMs: number): void {
    this.effects.push({ kind: 'arm-timer', timer, atMs: this.#nowMs + delayMs });
  }

  #cancel(timer: TimerName): void {
    this.effects.push({ kind: 'cancel-timer', timer });
  }
}

function failure(reason: string, message: string): Outcome {
  return { ok: false, error: { reason, message } };
}
