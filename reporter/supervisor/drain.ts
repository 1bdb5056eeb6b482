// Owns draining: no new work, a wait until nothing is at work, then what was asked for.

import { BRINGS_UP, failure, type Decision } from './decision.ts';
import type { AfterDrain, Operation, ReadyObservation } from './state.ts';
import { restart, shutDown } from './wishes.ts';

/** One look may fall between two requests, or have begun before the drain; two in a row did not. */
const EMPTY_LOOKS = 2;

type DrainWish = { operation: Operation; after: AfterDrain; limitMs: number };

export function drain(d: Decision, { operation, after, limitMs }: DrainWish): void {
  if (tellsNothing(d)) return d.settle(operation, failure('work-unknown', WORK_UNKNOWN));
  d.settleAll(['drain'], failure('superseded', 'Another drain was asked for meanwhile'));
  d.state.pending = [...d.state.pending, operation];
  d.state.drain = { sinceMs: d.nowMs, after, emptyLooks: 0 };
  // Whatever does not serve has no work that could be waited for.
  if (d.state.phase.kind !== 'serving') return emptied(d);
  d.arm('drain', limitMs);
}

const WORK_UNKNOWN =
  'Its server does not tell what is at work, and no gateway is open here that counts its requests: ' +
  'nobody could say when it is empty; use shutdown or restore, or open the gateway';

/** Nobody knows what is at work, however long one waits. */
function tellsNothing(d: Decision): boolean {
  const { phase, tellsWork, observation } = d.state;
  return phase.kind === 'serving' && !tellsWork && observation?.underWay === undefined;
}

/**
 * A request that the gateway has passed on may still be on its way into a slot, so both must say that nothing is there.
 * Of a server that never tells, the gateway's count is all there is.
 */
function isEmpty(d: Decision, { health, underWay }: ReadyObservation): boolean {
  if (health.inflight_jobs === undefined) return !d.state.tellsWork && underWay === 0;
  return health.inflight_jobs + (health.queued_jobs ?? 0) + (underWay ?? 0) === 0;
}

export function undrain(d: Decision, operation: Operation): void {
  const wasDraining = d.state.drain !== undefined;
  d.endDrain('An undrain was asked for meanwhile');
  d.settle(operation, { ok: true, result: { draining: false, ...(!wasDraining && { already: true }) } });
}

/** A good look at a runtime that may be draining. */
export function onLookWhileDraining(d: Decision, look: ReadyObservation): void {
  const { drain: draining } = d.state;
  if (draining?.emptyLooks === undefined) return;
  const emptyLooks = isEmpty(d, look) ? draining.emptyLooks + 1 : 0;
  d.state.drain = { ...draining, emptyLooks };
  if (emptyLooks >= EMPTY_LOOKS) emptied(d);
}

/** The limit of the wait: the command fails, and the runtime goes on draining. */
export function onDrainLimit(d: Decision): void {
  const { drain: draining } = d.state;
  if (draining?.emptyLooks === undefined) return;
  const work = d.state.observation === undefined ? '' : workWords(d.state.observation);
  const message = `Not empty after ${waitedSeconds(d, draining.sinceMs)} s (${work || 'how much is at work is not known'}); it goes on draining until an undrain`;
  d.state.drain = { ...draining, after: 'hold', emptyLooks: undefined };
  d.settleAll(['drain'], failure('drain-timeout', message));
}

function workWords({ health, underWay }: ReadyObservation): string {
  const { inflight_jobs: inflight, queued_jobs: queued = 0 } = health;
  const words = inflight === undefined ? [] : [`${inflight} at work`, `${queued} queued`];
  if (underWay !== undefined) words.push(`${underWay} under way through the gateway`);
  return words.join(', ');
}

/** The child ended by itself, and with it whatever was at work. */
export function onChildLostWhileDraining(d: Decision, reason: string): void {
  const { drain: draining } = d.state;
  if (draining?.emptyLooks === undefined) return;
  d.cancel('drain');
  d.state.drain = { ...draining, after: 'hold', emptyLooks: undefined };
  if (draining.after !== 'shutdown') return d.settleAll(['drain'], failure('failed', reason));
  const note = { waited_seconds: waitedSeconds(d, draining.sinceMs) };
  d.settleAll(BRINGS_UP, failure('superseded', SHUT_DOWN_BY_DRAIN));
  d.state.drain = undefined;
  d.state.wanted = 'down';
  d.state.keptDown = true;
  d.state.pending = d.state.pending.map((pending) =>
    pending.kind === 'drain' ? { ...pending, kind: 'shutdown', note } : pending,
  );
}

const SHUT_DOWN_BY_DRAIN = 'A drain that was under way has shut it down; start it again';

function emptied(d: Decision): void {
  const { drain: draining } = d.state;
  if (draining === undefined) return;
  d.cancel('drain');
  d.state.drain = { ...draining, after: 'hold', emptyLooks: undefined };
  const operation = d.state.pending.find((pending) => pending.kind === 'drain');
  const byGateway = d.state.phase.kind === 'serving' && !d.state.tellsWork;
  const note = {
    waited_seconds: waitedSeconds(d, draining.sinceMs),
    ...(byGateway && { counted_by: 'gateway' }),
  };
  if (operation === undefined) return;
  if (draining.after === 'hold')
    return d.settle({ ...operation, note }, { ok: true, result: { draining: true } });
  // From here on it is told as what it has become.
  d.state.pending = d.state.pending.filter((pending) => pending !== operation);
  if (draining.after === 'shutdown') {
    return shutDown(d, { operation: { ...operation, kind: 'shutdown', note }, lasting: true });
  }
  return restart(d, { operation: { ...operation, kind: 'restore', note } });
}

function waitedSeconds(d: Decision, sinceMs: number): number {
  return Math.max(0, Math.round((d.nowMs - sinceMs) / 1000));
}
