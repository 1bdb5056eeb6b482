// Owns the vocabulary of supervision: the phases of one runtime, the events that reach it and the effects it asks for.

import type { Model, RuntimeHealth } from '../../contract/runtime-record.ts';
import type { BackoffRule } from '../backoff.ts';
import type { IdleDoubt, IdleProbeNews } from './idle-doubt.ts';
import type { BudgetRule, SpentRestarts } from './restart-budget.ts';
import { AS_MANIFEST, type Variant } from './variant.ts';

/**
 * Whether work moves. `mark` changes with every token and every step of a prompt: two equal marks of busy slots mean
 * that nothing moved in between. Left out where nothing is at work, or the backend cannot tell. `model` says whose work
 * it is where the server has several.
 */
export type Work = { kind: 'unknown' } | { kind: 'busy'; slots: number; mark: string; model?: string };

/** What is being loaded, as far as the backend knows. */
export type LoadingModel = { name: string; sizeBytes?: number };

/** What a backend saw when it looked at its server once. */
export type Observation =
  | {
      kind: 'ready';
      health: RuntimeHealth;
      models: Model[];
      sleeping: boolean;
      notes: string[];
      work?: Work;
      /** Requests that the gateway has under way there; left out where no gateway takes any. */
      underWay?: number;
      /** Of idle probes that have ended since the look before. */
      idleProbes?: readonly IdleProbeNews[];
      /** It serves, but not all that it should: in a few words. */
      warning?: string;
    }
  | { kind: 'loading'; detail: string; model?: LoadingModel }
  | { kind: 'failing'; reason: string };
export type ReadyObservation = Extract<Observation, { kind: 'ready' }>;

/** Busy slots whose mark has not changed since; `wedged` once that has lasted too long. */
export type Stall = { mark: string; slots: number; sinceMs: number; wedged: boolean; model?: string };

export type Exit = { code: number | null; signal: string | null; atMs: number };

/** Why a child is being stopped, and so what follows its end. */
export type AfterStop =
  | { kind: 'rest' }
  | { kind: 'relaunch'; spend: boolean }
  | { kind: 'count-as-failure'; reason: string };

export type Phase =
  /** Down on purpose. */
  | { kind: 'resting' }
  /**
   * Preflight and spawn are under way; there is no child yet. `outdated`: the manifest asks for something else since, so
   * this launch is to be followed by another. `reason`: the crash that it follows.
   */
  | {
      kind: 'launching';
      sinceMs: number;
      spend: boolean;
      variant: Variant;
      outdated?: boolean;
      reason?: string;
    }
  | { kind: 'loading'; pid: number; sinceMs: number; detail?: string; model?: LoadingModel }
  | {
      kind: 'serving';
      pid: number;
      sinceMs: number;
      failures: number;
      /** When it last gave a good answer. */
      goodAtMs: number;
      failure?: string;
      stall?: Stall;
      idleDoubts?: readonly IdleDoubt[];
    }
  /** `stuck`: SIGKILL did not end it in time, so nobody waits for its end any more. */
  | { kind: 'stopping'; pid: number; sinceMs: number; killed: boolean; stuck: boolean; after: AfterStop }
  /** Between two attempts: after a crash, or until what blocks the launch is mended. */
  | { kind: 'waiting'; untilMs: number; spend: boolean; cause: 'crash' | 'blocked'; reason: string }
  /** Down against the operator's wish; only a command brings it back. */
  | { kind: 'failed'; reason: string };

export type OperationKind = 'start' | 'restore' | 'shutdown' | 'drain' | 'undrain' | 'switch' | 'budget';
/** `note` is told with its result when it succeeds. */
export type Operation = { id: string; kind: OperationKind; note?: Record<string, unknown> };

/** What a drained runtime does next: `hold` stays up, draining, until an undrain. */
export type AfterDrain = 'hold' | 'shutdown' | 'restart';

/** No new work is taken. `emptyLooks` counts the looks in a row that saw no work; undefined once what follows began. */
export type Drain = { sinceMs: number; after: AfterDrain; emptyLooks: number | undefined };

export type RuntimeState = {
  wanted: 'up' | 'down';
  phase: Phase;
  /** Grows with each launch; an event of an earlier child carries an earlier number and is ignored. */
  launch: number;
  /** Failures in a row, for the backoff. */
  attempt: number;
  spent: SpentRestarts;
  restartsTotal: number;
  variant: Variant;
  /** What a command set the budget to; undefined: as the policy says. */
  budget: BudgetRule | undefined;
  drain: Drain | undefined;
  /** An operator shut it down: it stays down, also over a restart of the reporter, until somebody asks for it. */
  keptDown: boolean;
  startedAtMs: number | undefined;
  lastExit: Exit | undefined;
  observation: ReadyObservation | undefined;
  /** The present child has told how many requests it works on: where it does not do so now, that is unknown. */
  tellsWork: boolean;
  /** Operations whose outcome is still open. */
  pending: readonly Operation[];
};

export type RuntimeEvent =
  | { kind: 'start'; operation: Operation }
  | { kind: 'restore'; operation: Operation; restart: boolean; force: boolean; variant?: Variant }
  /** `lasting`: by an operator; otherwise it is the reporter that ends, or the manifest that lost it. */
  | { kind: 'shutdown'; operation: Operation; lasting: boolean }
  | { kind: 'drain'; operation: Operation; after: AfterDrain; limitMs: number }
  | { kind: 'undrain'; operation: Operation }
  | { kind: 'switch'; operation: Operation; variant: Variant }
  | { kind: 'budget'; operation: Operation; rule: Partial<BudgetRule> }
  | { kind: 'adopted'; pid: number; startedAtMs: number; variant: Variant }
  | { kind: 'replaced'; relaunch: boolean; variant: Variant }
  | { kind: 'spawned'; launch: number; pid: number }
  | { kind: 'blocked'; launch: number; reasons: readonly string[] }
  | { kind: 'exited'; launch: number; exit: Exit; reason: string; jitter: number }
  | { kind: 'observed'; launch: number; observation: Observation }
  | { kind: 'timer'; timer: TimerName };

/** `wait` ends a backoff, `load` limits a start, `kill` escalates a stop, `stuck` gives a stop up, `drain` a drain. */
export type TimerName = 'wait' | 'load' | 'kill' | 'stuck' | 'drain';

export type Outcome =
  | { ok: true; result: Record<string, unknown> }
  | { ok: false; error: { reason: string; message: string } };

export type Effect =
  | { kind: 'launch'; launch: number; variant: Variant }
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
export function wedgeWords({ slots, sinceMs, model }: Stall, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - sinceMs) / 1000));
  const where = model === undefined ? '' : `${model} has `;
  return `Wedged: ${where}${slots} busy ${slots === 1 ? 'slot' : 'slots'}, no token for ${seconds} s`;
}

/** What an earlier reporter left: its restarts still count in the window, and what an operator set still holds. */
export type Remembered = {
  spent: SpentRestarts;
  restartsTotal: number;
  variant?: Variant;
  budget?: BudgetRule;
  keptDown?: boolean;
  /** Since when it has been draining. */
  drainingSinceMs?: number;
};

export function initialState(remembered: Remembered = { spent: [], restartsTotal: 0 }): RuntimeState {
  const { drainingSinceMs } = remembered;
  return {
    wanted: 'down',
    phase: { kind: 'resting' },
    launch: 0,
    attempt: 0,
    spent: remembered.spent,
    restartsTotal: remembered.restartsTotal,
    variant: remembered.variant ?? AS_MANIFEST,
    budget: remembered.budget,
    // What was to follow the drain was a command's, which ended with the earlier reporter.
    drain:
      drainingSinceMs === undefined
        ? undefined
        : { sinceMs: drainingSinceMs, after: 'hold', emptyLooks: undefined },
    keptDown: remembered.keptDown ?? false,
    startedAtMs: undefined,
    lastExit: undefined,
    observation: undefined,
    tellsWork: false,
    pending: [],
  };
}

/** The budget in force: a command's, else the policy's. */
export function budgetRule(state: RuntimeState, policy: Policy): BudgetRule {
  return state.budget ?? policy.budget;
}
