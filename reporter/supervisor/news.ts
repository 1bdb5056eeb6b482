// Owns what follows from news: of the child (it is there, it answers, it ended) and of time (a timer went off).

import { failure, type Decision } from './decision.ts';
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

type Serving = Extract<Phase, { kind: 'serving' }>;

/** A child of an earlier reporter: it is looked at like one that loads, and nothing is spent on it. */
export function onAdopted(d: Decision, pid: number, startedAtMs: number, preset: string | undefined): void {
  if (d.state.phase.kind !== 'resting') return;
  d.state.wanted = 'up';
  d.state.launch += 1;
  d.state.preset = preset;
  d.state.startedAtMs = startedAtMs;
  d.state.phase = { kind: 'loading', pid, sinceMs: d.nowMs };
  d.arm('load', d.policy.loadLimitMs);
}

export function onSpawned(d: Decision, pid: number): void {
  const { phase } = d.state;
  if (phase.kind !== 'launching') return;
  if (phase.spend) {
    d.state.spent = spendRestart(d.state.spent, d.policy.budget, d.nowMs);
    d.state.restartsTotal += 1;
  }
  d.state.startedAtMs = d.nowMs;
  if (d.state.wanted === 'down') return d.stop(pid, { kind: 'rest' });
  // Another preset, or another manifest, came while this one was being launched.
  if (phase.outdated === true || phase.preset !== d.state.preset) {
    return d.stop(pid, { kind: 'relaunch', spend: false });
  }
  d.state.phase = { kind: 'loading', pid, sinceMs: d.nowMs };
  d.arm('load', d.policy.loadLimitMs);
}

export function onBlocked(d: Decision, reasons: readonly string[]): void {
  const { phase } = d.state;
  if (phase.kind !== 'launching') return;
  if (d.state.wanted === 'down') return d.rest();
  if (phase.outdated === true || phase.preset !== d.state.preset) return d.launch(phase.spend);
  const reason = reasons.join('; ');
  d.settleAll(['start', 'restore'], failure('blocked', reason));
  d.wait(BLOCKED_RETRY_MS, phase.spend, 'blocked', reason);
}

export function onExited(d: Decision, exit: Exit, reason: string, jitter: number): void {
  const { phase } = d.state;
  d.state.lastExit = exit;
  d.state.observation = undefined;
  d.state.startedAtMs = undefined;
  for (const timer of ['load', 'kill', 'stuck'] as const) d.cancel(timer);
  switch (phase.kind) {
    case 'stopping':
      if (phase.after.kind === 'rest') return d.rest();
      if (phase.after.kind === 'relaunch') return d.launch(phase.after.spend);
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
      d.state.observation = observation;
      d.state.phase = { kind: 'serving', pid: phase.pid, sinceMs: d.nowMs, failures: 0, goodAtMs: d.nowMs };
      d.settleAll(['start', 'restore'], { ok: true, result: { state: 'ready', pid: phase.pid } });
    } else if (observation.kind === 'loading') {
      d.state.phase = { ...phase, detail: observation.detail };
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

/** It answers; whether it also works is told by its busy slots. */
function onGoodAnswer(d: Decision, phase: Serving, observation: ReadyObservation): void {
  const stall = stallAfter(phase.stall, observation.work, d.nowMs, d.policy.wedgeMs);
  const { pid, sinceMs } = phase;
  d.state.observation = observation;
  d.state.phase = { kind: 'serving', pid, sinceMs, failures: 0, goodAtMs: d.nowMs, ...(stall && { stall }) };
  if (stall?.wedged === true) restartWedged(d, pid, wedgeWords(stall, d.nowMs));
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
  const { mark, slots } = work;
  if (before?.mark !== mark) return { mark, slots, sinceMs: nowMs, wedged: false };
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
      return d.launch(phase.spend);
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
    default:
      return timer satisfies never;
  }
}
