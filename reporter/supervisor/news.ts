// Owns what follows from news: of the child (it is there, it answers, it ended) and of time (a timer went off).

import { BRINGS_UP, failure, type Decision } from './decision.ts';
import { onChildLostWhileDraining, onDrainLimit, onLookWhileDraining } from './drain.ts';
import { doubtsAfter, idleProbeWords } from './idle-doubt.ts';
import { spendRestart } from './restart-budget.ts';
import {
  BLOCKED_RETRY_MS,
  STUCK_AFTER_KILL_MS,
  wedgeWords,
  type Exit,
  type Observation,
  type Phase,
  type ReadyObservation,
  type Stall,
  type TimerName,
  type Work,
} from './state.ts';
import { sameVariant, type Variant } from './variant.ts';

type Serving = Extract<Phase, { kind: 'serving' }>;

/** A child of an earlier reporter: it is looked at like one that loads, and nothing is spent on it. */
export function onAdopted(d: Decision, pid: number, startedAtMs: number, variant: Variant): void {
  if (d.state.phase.kind !== 'resting') return;
  d.state.launch += 1;
  d.state.variant = variant;
  d.state.startedAtMs = startedAtMs;
  // The shutdown that the earlier reporter began is brought to its end.
  if (d.state.keptDown) return d.stop(pid, { kind: 'rest' });
  d.state.wanted = 'up';
  d.state.phase = { kind: 'loading', pid, sinceMs: d.nowMs };
  d.arm('load', d.policy.loadLimitMs);
}

export function onSpawned(d: Decision, pid: number): void {
  const { phase } = d.state;
  if (phase.kind !== 'launching') return;
  if (phase.spend) {
    d.state.spent = spendRestart(d.state.spent, d.nowMs);
    d.state.restartsTotal += 1;
  }
  d.state.startedAtMs = d.nowMs;
  if (d.state.wanted === 'down') return d.stop(pid, { kind: 'rest' });
  // Another variant, or another manifest, came while this one was being launched.
  if (isOutdated(d, phase)) return d.stop(pid, { kind: 'relaunch', spend: false });
  d.state.phase = { kind: 'loading', pid, sinceMs: d.nowMs };
  d.arm('load', d.policy.loadLimitMs);
}

export function onBlocked(d: Decision, reasons: readonly string[]): void {
  const { phase } = d.state;
  if (phase.kind !== 'launching') return;
  if (d.state.wanted === 'down') return d.rest();
  if (isOutdated(d, phase)) return d.launch(phase.spend);
  const reason = reasons.join('; ');
  d.settleAll(BRINGS_UP, failure('blocked', reason));
  d.wait(BLOCKED_RETRY_MS, phase.spend, 'blocked', reason);
}

function isOutdated(d: Decision, phase: Extract<Phase, { kind: 'launching' }>): boolean {
  return phase.outdated === true || !sameVariant(phase.variant, d.state.variant);
}

export function onExited(d: Decision, exit: Exit, reason: string, jitter: number): void {
  const { phase } = d.state;
  d.state.lastExit = exit;
  d.state.observation = undefined;
  d.state.tellsWork = false;
  d.state.startedAtMs = undefined;
  for (const timer of ['load', 'kill', 'stuck'] as const) d.cancel(timer);
  onChildLostWhileDraining(d, reason);
  switch (phase.kind) {
    case 'stopping':
      if (phase.after.kind === 'rest') return d.rest();
      // Not wanted any more: a drain was to shut it down, and has just come to its end.
      if (phase.after.kind === 'relaunch')
        return d.state.wanted === 'down' ? d.rest() : d.launch(phase.after.spend);
      return d.afterFailure(phase.after.reason, jitter, 0);
    case 'loading':
      return d.afterFailure(reason, jitter, 0);
    case 'serving':
      return d.afterFailure(reason, jitter, d.nowMs - phase.sinceMs);
    case 'resting':
    case 'launching':
    case 'waiting':
    case 'failed':
      return;
    default:
      return phase satisfies never;
  }
}

export function onObserved(d: Decision, observation: Observation): void {
  const { phase } = d.state;
  if (phase.kind === 'loading') {
    if (observation.kind === 'ready') {
      d.cancel('load');
      see(d, observation);
      d.state.phase = { kind: 'serving', pid: phase.pid, sinceMs: d.nowMs, failures: 0, goodAtMs: d.nowMs };
      d.settleAll(BRINGS_UP, { ok: true, result: { state: 'ready', pid: phase.pid } });
    } else if (observation.kind === 'loading') {
      const { detail, model } = observation;
      d.state.phase = { ...phase, detail, ...(model && { model }) };
    }
    // A server that does not answer yet is still on its way; the load limit judges it.
    return;
  }
  if (phase.kind !== 'serving') return;
  if (observation.kind === 'ready') return onGoodAnswer(d, phase, observation);
  const doubt = observation.kind === 'loading' ? observation.detail : observation.reason;
  d.state.phase = { ...phase, failures: phase.failures + 1, failure: doubt };
  const silentMs = d.nowMs - phase.goodAtMs;
  if (silentMs >= d.policy.wedgeMs) {
    restartWedged(d, phase.pid, `Unresponsive for ${Math.round(silentMs / 1000)} s (${doubt})`);
  }
}

function see(d: Decision, observation: ReadyObservation): void {
  d.state.observation = observation;
  if (observation.health.inflight_jobs !== undefined) d.state.tellsWork = true;
}

/** It answers; whether it also works is told by its busy slots, and at rest by a token that is asked for. */
function onGoodAnswer(d: Decision, phase: Serving, observation: ReadyObservation): void {
  const stall = stallAfter(phase.stall, observation.work, d.nowMs, d.policy.wedgeMs);
  const idleDoubts = doubtsAfter(phase.idleDoubts ?? [], observation.idleProbes ?? []);
  const { pid, sinceMs } = phase;
  see(d, observation);
  d.state.phase = {
    kind: 'serving',
    pid,
    sinceMs,
    failures: 0,
    goodAtMs: d.nowMs,
    ...(stall && { stall }),
    ...(idleDoubts.length > 0 && { idleDoubts }),
  };
  const wedged = stall?.wedged === true ? wedgeWords(stall, d.nowMs) : idleProbeWords(idleDoubts);
  if (wedged !== undefined) return restartWedged(d, pid, wedged);
  onLookWhileDraining(d, observation);
}

/** What is not known now neither proves a stall nor ends one: two equal marks far enough apart do. */
function stallAfter(
  before: Stall | undefined,
  work: Work | undefined,
  nowMs: number,
  wedgeMs: number,
): Stall | undefined {
  if (work === undefined) return undefined;
  if (work.kind === 'unknown') return before;
  const { kind: _, ...busy } = work;
  if (before?.mark !== busy.mark) return { ...busy, sinceMs: nowMs, wedged: false };
  return { ...before, wedged: nowMs - before.sinceMs >= wedgeMs };
}

/** Without headroom a process that may still recover is worth more than a stopped one. */
function restartWedged(d: Decision, pid: number, reason: string): void {
  if (d.remaining() > 0) d.stop(pid, { kind: 'count-as-failure', reason });
}

export function onTimer(d: Decision, timer: TimerName): void {
  const { phase } = d.state;
  switch (timer) {
    case 'wait':
      if (phase.kind !== 'waiting') return;
      if (phase.spend && d.remaining() === 0) return d.fail(phase.reason);
      return d.launch(phase.spend, phase.cause === 'crash' ? phase.reason : undefined);
    case 'load':
      if (phase.kind !== 'loading') return;
      return d.stop(phase.pid, {
        kind: 'count-as-failure',
        reason: `Not ready within ${Math.round(d.policy.loadLimitMs / 1000)} s`,
      });
    case 'kill':
      if (phase.kind !== 'stopping') return;
      d.state.phase = { ...phase, killed: true };
      d.effects.push({ kind: 'signal', signal: 'SIGKILL' });
      return d.arm('stuck', STUCK_AFTER_KILL_MS);
    case 'stuck':
      if (phase.kind !== 'stopping') return;
      d.state.phase = { ...phase, stuck: true };
      return d.giveUpWaiting(phase.pid);
    case 'drain':
      return onDrainLimit(d);
    default:
      return timer satisfies never;
  }
}
