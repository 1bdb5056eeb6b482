// Owns the vocabulary of supervision: the phases of one runtime, the events that reach it and the effects it asks for.

import type { Model, RuntimeHealth } from '../../contract/runtime-record.ts';
import type { BackoffRule } from '../backoff.ts';
import type { BudgetRule, SpentRestarts } from './restart-budget.ts';

/**
 * Whether work moves. `mark` changes with every token and every step of a prompt: two equal marks of busy slots mean
 * that nothing moved in between. Left out where nothing is at work, or the backend cannot tell.
 */
export type Work = { kind: 'unknown' } | { kind: 'busy'; slots: number; mark: string };

/** What a backend saw when it looked at its server once. */
export type Observation =
  | { kind: 'ready'; health: RuntimeHealth; models: Model[]; sleeping: boolean; notes: string[]; work?: Work }
  | { kind: 'loading'; detail: string }
  | { kind: 'failing'; reason: string };
export type ReadyObservation = Extract<Observation, { kind: 'ready' }>;

/** Busy slots whose mark has not changed since; `wedged` once that has lasted too long. */
export type Stall = { mark: string; slots: number; sinceMs: number; wedged: boolean };

export type Exit = { code: number | null; signal: string | null; atMs: number };

/** Why a child is being stopped, and so what follows its end. */
export type AfterStop =
  | { kind: 'rest' }
  | { kind: 'relaunch'; spend: boolean }
  | { kind: 'count-as-failure'; reason: string };

export type Phase =
  /** Down on purpose. */
  | { kind: 'resting' }
  /** Preflight and spawn are under way; there is no child yet. */
  /** `outdated`: the manifest asks for something else since, so this launch is to be followed by another. */
  | {
      kind: 'launching';
      sinceMs: number;
      spend: boolean;
      preset: string | undefined;
      outdated?: boolean;
    }
  | { kind: 'loading'; pid: number; sinceMs: number; detail?: string }
  | {
      kind: 'serving';
      pid: number;
      sinceMs: number;
      failures: number;
      /** When it last gave a good answer. */
      goodAtMs: number;
      failure?: string;
      stall?: Stall;
    }
  /** `stuck`: SIGKILL did not end it in time, so nobody waits for its end any more. */
  | { kind: 'stopping'; pid: number; sinceMs: number; killed: boolean; stuck: boolean; after: AfterStop }
  /** Between two attempts: after a crash, or until what blocks the launch is mended. */
  | { kind: 'waiting'; untilMs: number; spend: boolean; cause: 'crash' | 'blocked'; reason: string }
  /** Down against the operator's wish; only a command brings it back. */
  | { kind: 'failed'; reason: string };

export type OperationKind = 'start' | 'restore' | 'shutdown';
export type Operation = { id: string; kind: OperationKind };

export type RuntimeState = {
  wanted: 'up' | 'down';
  phase: Phase;
  /** Grows with each launch; an event of an earlier child carries an earlier number and is ignored. */
  launch: number;
  /** Failures in a row, for the backoff. */
  attempt: number;
  spent: SpentRestarts;
  restartsTotal: number;
  preset: string | undefined;
  startedAtMs: number | undefined;
  lastExit: Exit | undefined;
  observation: ReadyObservation | undefined;
  /** Operations whose outcome is still open. */
  pending: readonly Operation[];
};

export type RuntimeEvent =
  | { kind: 'start'; operation: Operation }
  | { kind: 'restore'; operation: Operation; restart: boolean; force: boolean; preset?: string }
  | { kind: 'shutdown'; operation: Operation }
  | { kind: 'adopted'; pid: number; startedAtMs: number; preset: string | undefined }
  | { kind: 'replaced'; relaunch: boolean; preset: string | undefined }
  | { kind: 'spawned'; launch: number; pid: number }
  | { kind: 'blocked'; launch: number; reasons: readonly string[] }
  | { kind: 'exited'; launch: number; exit: Exit; reason: string; jitter: number }
  | { kind: 'observed'; launch: number; observation: Observation }
  | { kind: 'timer'; timer: TimerName };

/** `wait` ends a backoff, `load` limits a start, `kill` escalates a stop, `stuck` gives a stop up. */
export type TimerName = 'wait' | 'load' | 'kill' | 'stuck';

export type Outcome =
  | { ok: true; result: Record<string, unknown> }
  | { ok: false; error: { reason: string; message: string } };

export type Effect =
  | { kind: 'launch'; launch: number; preset: string | undefined }
  | { kind: 'signal'; signal: 'SIGTERM' | 'SIGKILL' }
  | { kind: 'arm-timer'; timer: TimerName; atMs: number }
  | { kind: 'cancel-timer'; timer: TimerName }
  | { kind: 'settle'; operation: Operation; outcome: Outcome };

export type Policy = {
  budget: BudgetRule;
  backoff: BackoffRule;
  /** How long a launch may take until it must be ready. */
  loadLimitMs: number;
  /** SIGTERM, this long, then SIGKILL. */
  stopGraceMs: number;
  /** A living process without a good answer, or with busy slots and no token, for this long is restarted. */
  wedgeMs: number;
};

/** A blocked launch is tried again this often: the check is one connect and two stats. */
export const BLOCKED_RETRY_MS = 15_000;
/** After SIGKILL a process ends unless the kernel holds it; then its operations must not wait forever. */
export const STUCK_AFTER_KILL_MS = 5_000;
/** One lost probe is noise, two are a finding. */
export const DEGRADED_AFTER_FAILURES = 2;
/** A runtime that served this long before it crashed starts its backoff anew. */
export const STABLE_AFTER_MS = 60_000;

/** The sentence about slots that are busy while nothing moves. */
export function wedgeWords({ slots, sinceMs }: Stall, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - sinceMs) / 1000));
  return `Wedged: ${slots} busy ${slots === 1 ? 'slot' : 'slots'}, no token for ${seconds} s`;
}

/** @param remembered what an earlier reporter left: its restarts still count in the window. */
export function initialState(
  remembered: { spent: SpentRestarts; restartsTotal: number } = { spent: [], restartsTotal: 0 },
): RuntimeState {
  return {
    wanted: 'down',
    phase: { kind: 'resting' },
    launch: 0,
    attempt: 0,
    spent: remembered.spent,
    restartsTotal: remembered.restartsTotal,
    preset: undefined,
    startedAtMs: undefined,
    lastExit: undefined,
    observation: undefined,
    pending: [],
  };
}
