// Owns the life of a command: queued -> delivered -> running -> completed | failed, or expired, or cancelled. A command
// is sent at least once and acknowledged in two steps; the node's journal makes it take effect once.

import {
  isFinalJobState,
  type CommandError,
  type CommandKind,
  type JobState,
} from '../../contract/command.ts';

/** A command that nobody took by then would surprise rather than help. */
export const COMMAND_TTL_MS = 600_000;

/** The first silence after which a delivered command is sent again; it doubles up to the longest. */
const REDELIVER_AFTER_MS = 5000;
const REDELIVER_AT_MOST_MS = 60_000;

/** Sends over one link without an acknowledgement: a node that hears but never takes is not asked for ever. */
const MAX_UNANSWERED = 8;

/** What a node tells of an end is kept for a day: more text than this is a log, not a result. */
const OUTCOME_MAX_LENGTH = 16_384;

/** A node that took a command and has not reported its end by then has lost it. Loading a large model is slow. */
const RUNNING_AT_MOST_MS = 3_600_000;

export type CommandRecord = {
  id: string;
  /** Its place in the queue: commands go out in the order in which they were accepted, whatever the clock says. */
  ordinal: number;
  node: string;
  runtime: string;
  kind: CommandKind;
  args: Record<string, unknown>;
  state: JobState;
  attempts: number;
  /** Sends since the link was opened that were not acknowledged. */
  unanswered: number;
  issuedAt: number;
  expiresAt: number;
  sentAt: number | null;
  deliveredAt: number | null;
  receivedAt: number | null;
  finishedAt: number | null;
  result: Record<string, unknown> | null;
  error: CommandError | null;
  idempotencyKey: string | null;
  signature: string;
  /** Since when its node is asked not to begin it, and the proof that the hub asks. */
  cancelAskedAt: number | null;
  cancelSignature: string | null;
};

export type CommandEvent =
  | { type: 'sent'; at: number; isNewLink: boolean }
  | { type: 'received'; at: number }
  | { type: 'completed'; at: number; result: Record<string, unknown> | null }
  | { type: 'failed'; at: number; error: CommandError }
  | { type: 'cancelled'; at: number; error: CommandError }
  /** An operator does not want it any more; the signature is for its node. */
  | { type: 'cancel-asked'; at: number; signature: string }
  /** Time passed; `isLinked` tells whether the node could have answered. */
  | { type: 'tick'; at: number; isLinked: boolean };

/** The ends that a hub presumes where it heard none. */
const NO_REPORT = 'no-report';
const UNDELIVERABLE = 'undeliverable';

/** The word of a node that did not begin a command because it was asked not to. */
const CANCELLED = 'cancelled';

/**
 * The record after the event: the same object where the event changes nothing. What is final stays as it is, but where
 * this side only presumed the end, the node knows better: what it tells later is what happened.
 */
export function step(record: CommandRecord, event: CommandEvent): CommandRecord {
  if (isFinalJobState(record.state)) return corrected(record, event);
  switch (event.type) {
    case 'sent':
      return {
        ...record,
        state: record.state === 'queued' ? 'delivered' : record.state,
        // What goes out once it is cancelled is the wish to cancel it, never the command again.
        attempts: record.attempts + (record.cancelAskedAt === null ? 1 : 0),
        unanswered: event.isNewLink ? 1 : record.unanswered + 1,
        sentAt: event.at,
        deliveredAt: record.deliveredAt ?? event.at,
      };
    case 'received':
      if (record.state === 'running') return record;
      return {
        ...record,
        state: 'running',
        deliveredAt: record.deliveredAt ?? event.at,
        receivedAt: event.at,
        unanswered: 0,
      };
    case 'completed':
      return finish(record, 'completed', event.at, { result: event.result && keptResult(event.result) });
    case 'failed':
      return finish(record, wasCancelled(record, event.error) ? 'cancelled' : 'failed', event.at, {
        error: keptError(event.error),
      });
    case 'cancel-asked':
      return cancelAsked(record, event);
    case 'cancelled':
      return finish(record, 'cancelled', event.at, { error: event.error });
    case 'tick':
      return afterTime(record, event);
    default:
      return event satisfies never;
  }
}

/** True where nobody told the end: time passed, and this side gave up. */
export function isPresumed({ state, error }: CommandRecord): boolean {
  const isGivenUp = error?.reason === NO_REPORT || error?.reason === UNDELIVERABLE;
  return state === 'expired' || (state === 'failed' && isGivenUp);
}

/** True while the node may not have begun the command: before it is sent, and until it is acknowledged. */
export function isCancellable({ state }: CommandRecord): boolean {
  return state === 'queued' || state === 'delivered';
}

/** True where the command should go out now over a link that is open; a new link gets everything that is open. */
export function isDue(record: CommandRecord, now: number, isNewLink: boolean): boolean {
  if (isFinalJobState(record.state)) return false;
  if (isNewLink || record.state === 'queued' || record.sentAt === null) return true;
  return record.state === 'delivered' && now >= redeliverAt(record);
}

/** When the command next needs a look although nobody said anything; undefined once it is final. */
export function deadline(record: CommandRecord, isLinked: boolean): number | undefined {
  if (isFinalJobState(record.state)) return undefined;
  if (record.state === 'running') return lostAt(record);
  const isWaiting = record.state === 'delivered' && isLinked;
  return isWaiting ? Math.min(record.expiresAt, redeliverAt(record)) : record.expiresAt;
}

function corrected(record: CommandRecord, event: CommandEvent): CommandRecord {
  if (!isPresumed(record) || (event.type !== 'completed' && event.type !== 'failed')) return record;
  // A node that refused it because it was late says what is said already.
  if (event.type === 'failed' && event.error.reason === 'expired') return record;
  return step({ ...record, state: 'running', finishedAt: null, error: null }, event);
}

function cancelAsked(
  record: CommandRecord,
  { at, signature }: { at: number; signature: string },
): CommandRecord {
  if (!isCancellable(record) || record.cancelAskedAt !== null) return record;
  if (record.state === 'queued') {
    const message = 'It was cancelled before it was sent: nothing was done';
    return {
      ...finish(record, 'cancelled', at, { error: { reason: CANCELLED, message } }),
      cancelAskedAt: at,
    };
  }
  return { ...record, cancelAskedAt: at, cancelSignature: signature, sentAt: null, unanswered: 0 };
}

function wasCancelled({ cancelAskedAt }: CommandRecord, { reason }: CommandError): boolean {
  return cancelAskedAt !== null && reason === CANCELLED;
}

function afterTime(
  record: CommandRecord,
  { at, isLinked }: { at: number; isLinked: boolean },
): CommandRecord {
  if (record.state === 'running') {
    if (at < lostAt(record)) return record;
    return finish(record, 'failed', at, {
      error: { reason: NO_REPORT, message: 'The node took the command and never reported how it ended' },
    });
  }
  if (at >= record.expiresAt) return finish(record, 'expired', at, { error: expiry(record) });
  const isIgnored = record.state === 'delivered' && record.unanswered >= MAX_UNANSWERED && isLinked;
  if (!isIgnored || at < redeliverAt(record)) return record;
  return finish(record, 'failed', at, {
    error: {
      reason: UNDELIVERABLE,
      message: `The node was sent the command ${record.attempts} times and never acknowledged it`,
    },
  });
}

function expiry(record: CommandRecord): CommandError {
  const message =
    record.attempts === 0
      ? 'The node did not connect before the command expired: nothing was done'
      : `The node was sent the command (${record.attempts}x) and did not acknowledge it before it expired`;
  return { reason: 'expired', message };
}

function finish(
  record: CommandRecord,
  state: JobState,
  at: number,
  outcome: { result?: Record<string, unknown> | null; error?: CommandError },
): CommandRecord {
  return { ...record, state, finishedAt: at, result: outcome.result ?? null, error: outcome.error ?? null };
}

/** Says that there was more rather than keep a part that could be taken for the whole. */
function keptResult(result: Record<string, unknown>): Record<string, unknown> {
  const { length } = JSON.stringify(result);
  return length <= OUTCOME_MAX_LENGTH ? result : { truncated: true, length };
}

function keptError(error: CommandError): CommandError {
  const { reason, message } = error;
  return JSON.stringify(error).length <= OUTCOME_MAX_LENGTH ? error : { reason, message };
}

function redeliverAt(record: CommandRecord): number {
  const silences = Math.max(0, record.unanswered - 1);
  const waitMs = Math.min(REDELIVER_AFTER_MS * 2 ** silences, REDELIVER_AT_MOST_MS);
  return (record.sentAt ?? record.issuedAt) + waitMs;
}

function lostAt(record: CommandRecord): number {
  return (record.receivedAt ?? record.issuedAt) + RUNNING_AT_MOST_MS;
}
