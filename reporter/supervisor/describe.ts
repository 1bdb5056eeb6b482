// Owns the words for a runtime's state: phase -> the slug, severity, summary and detail lines that cross the wire.

import type { RuntimeStatus } from '../../contract/runtime-record.ts';
import { spokenLine } from '../../contract/status.ts';
import {
  severityLabel,
  severityOfState,
  stateLabel,
  type RuntimeState as Slug,
  type Severity,
} from '../../contract/words.ts';
import { doubtLines, idleProbeWords } from './idle-doubt.ts';
import { budgetView, remainingRestarts, resetAtMs } from './restart-budget.ts';
import {
  budgetRule,
  DEGRADED_AFTER_FAILURES,
  wedgeWords,
  type Drain,
  type Phase,
  type Policy,
  type RuntimeState,
} from './state.ts';

type Words = { state: Slug; severity?: Severity; summary: string; detail: string[] };

/** The status of one runtime as it crosses the wire; `updatedAtMs` is when it last changed or was measured. */
export function describe(
  id: string,
  state: RuntimeState,
  updatedAtMs: number,
  nowMs: number,
  policy: Policy,
): RuntimeStatus {
  const words = wordsFor(state, nowMs, policy);
  const severity = words.severity ?? severityOfState(words.state);
  const pid = 'pid' in state.phase ? state.phase.pid : undefined;
  const { lastExit } = state;
  return {
    id,
    state: words.state,
    state_label: stateLabel(words.state),
    severity,
    severity_label: severityLabel(severity),
    summary: spokenLine(words.summary),
    detail: [...words.detail, ...drainLines(state)].map(spokenLine),
    updated_at: new Date(updatedAtMs).toISOString(),
    ...(state.observation && isMeasured(state) && { health: state.observation.health }),
    ...(state.drain && { draining: true }),
    restart_budget: budgetView(state.spent, budgetRule(state, policy), nowMs),
    ...(pid !== undefined && { pid }),
    ...(state.startedAtMs !== undefined && { started_at: new Date(state.startedAtMs).toISOString() }),
    restarts_total: state.restartsTotal,
    ...(lastExit && {
      last_exit: { code: lastExit.code, signal: lastExit.signal, at: new Date(lastExit.atMs).toISOString() },
    }),
  };
}

/** Figures of an earlier look are not told once looking fails, nor of a process that is being stopped. */
function isMeasured({ phase }: RuntimeState): boolean {
  return phase.kind === 'serving' && phase.failures < DEGRADED_AFTER_FAILURES;
}

function wordsFor(state: RuntimeState, nowMs: number, policy: Policy): Words {
  const { phase } = state;
  switch (phase.kind) {
    case 'resting':
      return {
        state: 'offline',
        severity: 'info',
        summary: 'Stopped',
        detail: ['Stopped on purpose; start or restore brings it back'],
      };
    case 'launching':
      // A short backoff may be over before anybody was told of it: why is still said.
      if (phase.reason === undefined) return { state: 'starting', summary: 'Launching', detail: [] };
      return { state: 'starting', severity: 'warn', summary: `Restarting (${phase.reason})`, detail: [] };
    case 'loading': {
      const summary = phase.detail ?? 'Waiting for the server to answer';
      return { state: 'starting', summary, detail: [loadProgress(phase, nowMs, policy)] };
    }
    case 'serving': {
      if (phase.failures >= DEGRADED_AFTER_FAILURES) {
        const failing = `Probe failing (${phase.failure})`;
        const since = `No good answer for ${secondsSince(phase.goodAtMs, nowMs)} s`;
        return { state: 'degraded', summary: failing, detail: [since, ...headroom(state, nowMs, policy)] };
      }
      if (phase.stall?.wedged === true) {
        const words = wedgeWords(phase.stall, nowMs);
        return { state: 'degraded', summary: words, detail: headroom(state, nowMs, policy) };
      }
      const doubts = phase.idleDoubts ?? [];
      const resting = idleProbeWords(doubts);
      if (resting !== undefined) {
        return { state: 'degraded', summary: resting, detail: headroom(state, nowMs, policy) };
      }
      const { warning } = state.observation ?? {};
      return {
        state: 'ready',
        ...(warning !== undefined && { severity: 'warn' as const }),
        summary: readySummary(state),
        detail: [
          ...(phase.failure === undefined ? [] : [`Last probe failed (${phase.failure})`]),
          ...doubtLines(doubts),
          ...(state.observation?.notes ?? []),
        ],
      };
    }
    case 'stopping': {
      const sent = phase.killed ? 'SIGKILL' : 'SIGTERM';
      const waiting = `${sent} sent; waiting for process ${phase.pid} since ${secondsSince(phase.sinceMs, nowMs)} s`;
      switch (phase.after.kind) {
        case 'rest':
          return { state: 'offline', severity: 'info', summary: 'Stopping', detail: [waiting] };
        case 'relaunch':
          return { state: 'starting', summary: 'Restarting', detail: [waiting] };
        case 'count-as-failure':
          return { state: 'degraded', summary: phase.after.reason, detail: [waiting] };
        default:
          return phase.after satisfies never;
      }
    }
    case 'waiting': {
      const seconds = Math.max(0, (phase.untilMs - nowMs) / 1000).toFixed(1);
      if (phase.cause === 'blocked') {
        return {
          state: 'error',
          summary: phase.reason,
          detail: [`Checked again in ${seconds} s; no restart was spent`],
        };
      }
      return {
        state: 'starting',
        severity: 'warn',
        summary: `Restarting in ${seconds} s (${phase.reason})`,
        detail: headroom(state, nowMs, policy),
      };
    }
    case 'failed':
      return { state: 'error', summary: phase.reason, detail: headroom(state, nowMs, policy) };
    default:
      return phase satisfies never;
  }
}

function readySummary(state: RuntimeState): string {
  const { drain, observation } = state;
  if (drain !== undefined) return drainSummary(state, drain);
  const { warning, sleeping } = observation ?? {};
  const aside = warning ?? (sleeping === true ? 'sleeping; the next request wakes it' : undefined);
  return aside === undefined ? 'Ready' : `Ready (${aside})`;
}

function drainSummary({ tellsWork, observation }: RuntimeState, { emptyLooks }: Drain): string {
  const { inflight_jobs: inflight, capacity } = observation?.health ?? {};
  const { underWay } = observation ?? {};
  const isOver = emptyLooks === undefined && (underWay ?? 0) === 0;
  if (isOver && inflight === 0) return 'Drained (no slot is busy)';
  if (isOver && !tellsWork && underWay === 0) return 'Drained (nothing is under way through the gateway)';
  const busy = inflight === undefined ? [] : [`${inflight} of ${capacity ?? 'unknown'} slots busy`];
  // What is in a slot is told by the slot.
  if (underWay !== undefined && underWay > (inflight ?? 0))
    busy.push(`${underWay} under way through the gateway`);
  return busy.length === 0 ? 'Draining' : `Draining (${busy.join(', ')})`;
}

function drainLines({ drain }: RuntimeState): string[] {
  if (drain === undefined) return [];
  const then = drain.after === 'hold' ? '' : `; ${drain.after} once nothing is at work`;
  return [`Takes no new work since ${new Date(drain.sinceMs).toISOString()}; undrain ends that${then}`];
}

/** How far a start is: what is loaded where that is known, for how long, and how long it may take. */
function loadProgress(phase: Extract<Phase, { kind: 'loading' }>, nowMs: number, policy: Policy): string {
  const seconds = secondsSince(phase.sinceMs, nowMs);
  const limit = `limit ${policy.loadLimitMs / 1000} s`;
  if (phase.model === undefined) return `Starting for ${seconds} s, ${limit}`;
  const { name, sizeBytes } = phase.model;
  const size = sizeBytes === undefined ? '' : ` (${sizeWords(sizeBytes)})`;
  return `Loading ${name}${size}, ${seconds} s so far, ${limit}`;
}

/** Decimal units with one digit, as disks and model pages count: `42.5 GB`. */
function sizeWords(sizeBytes: number): string {
  if (sizeBytes >= 1e9) return `${(sizeBytes / 1e9).toFixed(1)} GB`;
  if (sizeBytes >= 1e6) return `${(sizeBytes / 1e6).toFixed(1)} MB`;
  return `${(sizeBytes / 1e3).toFixed(1)} kB`;
}

/** What is left of the budget, as a line; when it is empty, when it frees. */
function headroom(state: RuntimeState, nowMs: number, policy: Policy): string[] {
  const rule = budgetRule(state, policy);
  const remaining = remainingRestarts(state.spent, rule, nowMs);
  if (remaining > 0) return [`${remaining} of ${rule.maxRestarts} restarts left`];
  if (rule.maxRestarts === 0) return ['Automatic restarts are switched off (budget 0)'];
  const resetAt = resetAtMs(state.spent, rule, nowMs);
  const when = resetAt === undefined ? '' : `; resets at ${new Date(resetAt).toISOString()}`;
  return [`Restart budget exhausted${when}`];
}

function secondsSince(sinceMs: number, nowMs: number): number {
  return Math.max(0, Math.round((nowMs - sinceMs) / 1000));
}
