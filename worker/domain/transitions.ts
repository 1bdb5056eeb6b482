// Owns what of an accepted snapshot is news: a node that is heard (again), a runtime whose state is another one.

import type { EventDraft } from '../../contract/events.ts';
import type { RestartBudget, RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { severityOfState, type RuntimeState, type Severity } from '../../contract/words.ts';
import { modelsChanged } from './model-changes.ts';
import { expiresAt, isoTime, staleStatus, type Word as Spoken } from './freshness.ts';

/** A node's last word as it is kept. */
export type Word = Spoken & { snapshot: Snapshot };

export type Heard = Word & {
  transport: 'socket' | 'post';
  /** When the node was last heard before a silence that was told as `node.stale`. */
  silentSince: number | undefined;
};

/** In the order in which they are told: the node first, its runtimes, its models. A heartbeat that changes no state makes none. */
export function transitions(before: Word | undefined, heard: Heard): EventDraft[] {
  const { snapshot, receivedAt } = heard;
  const changed = changedRuntimes(before?.snapshot.runtimes ?? [], snapshot.runtimes);
  const budgets = changedBudgets(before?.snapshot.runtimes ?? [], snapshot.runtimes);
  const models = modelsChanged(before?.snapshot, snapshot);
  const isNews = before === undefined || heard.silentSince !== undefined;
  if (!isNews && changed.length === 0 && budgets.length === 0 && models === undefined) return [];
  const time = isoTime(receivedAt);
  const drafts = changed.map((change): EventDraft => ({
    time,
    kind: 'runtime.state.changed',
    payload: { node: snapshot.target, ...change },
  }));
  return [
    ...(isNews ? [online(heard)] : []),
    ...drafts,
    ...budgets.map((change): EventDraft => ({
      time,
      kind: isSpent(change) ? 'runtime.budget.exhausted' : 'runtime.budget.restored',
      payload: { node: snapshot.target, ...change },
    })),
    ...(models === undefined ? [] : [{ time, kind: 'models.changed' as const, payload: models }]),
  ];
}

function online({ snapshot, receivedAt, transport, silentSince }: Heard): EventDraft {
  const time = isoTime(receivedAt);
  return {
    time,
    kind: 'node.online',
    payload: {
      node: snapshot.target,
      received_at: time,
      uplink: transport === 'socket' ? 'open' : 'post',
      ...(silentSince !== undefined && { silent_since: isoTime(silentSince) }),
    },
  };
}

export function nodeStale(word: Word, ttlSeconds: number, now: number): EventDraft {
  const { snapshot, receivedAt } = word;
  return {
    time: isoTime(now),
    kind: 'node.stale',
    payload: {
      node: snapshot.target,
      received_at: isoTime(receivedAt),
      expires_at: isoTime(expiresAt(word, ttlSeconds)),
      label: staleStatus(word, snapshot.status, now).label,
    },
  };
}

export function nodeRemoved(
  node: string,
  reason: 'retention' | 'operator',
  now: number,
  receivedAt?: number,
): EventDraft {
  return {
    time: isoTime(now),
    kind: 'node.removed',
    payload: { node, reason, ...(receivedAt !== undefined && { received_at: isoTime(receivedAt) }) },
  };
}

/** What goes with a node whose snapshot is removed. */
export function modelsGone(snapshot: Snapshot, now: number): EventDraft[] {
  const payload = modelsChanged(snapshot, undefined);
  return payload === undefined ? [] : [{ time: isoTime(now), kind: 'models.changed', payload }];
}

type Change = {
  runtime: string;
  from: RuntimeState;
  to: RuntimeState;
  severity: Severity;
  summary: string;
  removed?: true;
};

function changedRuntimes(before: readonly RuntimeRecord[], after: readonly RuntimeRecord[]): Change[] {
  if (isSame(before, after)) return [];
  const said = new Map(before.map(({ descriptor, status }) => [descriptor.id, status.state]));
  const changes = after.flatMap(({ descriptor, status }): Change[] => {
    const from = said.get(descriptor.id) ?? 'unknown';
    said.delete(descriptor.id);
    const { state: to, severity, summary } = status;
    return from === to ? [] : [{ runtime: descriptor.id, from, to, severity, summary }];
  });
  const gone = [...said].map(([runtime, from]): Change => ({
    runtime,
    from,
    to: 'unknown',
    severity: severityOfState('unknown'),
    summary: 'No longer in the registry of its node',
    removed: true,
  }));
  return [...changes, ...gone];
}

type BudgetChange = { runtime: string } & Pick<
  RestartBudget,
  'max_restarts' | 'window_seconds' | 'remaining' | 'reset_at'
>;

/** A budget that was taken away counts as one without restarts. */
const NO_BUDGET: RestartBudget = { max_restarts: 0, window_seconds: 0, used: 0, remaining: 0 };

/** Whose last restart is spent, or whose next one is free again. What left the registry has no budget to tell of. */
function changedBudgets(before: readonly RuntimeRecord[], after: readonly RuntimeRecord[]): BudgetChange[] {
  const isSameList =
    before.length === after.length &&
    after.every((record, index) => {
      const there = before[index];
      return there?.descriptor.id === record.descriptor.id && isExhausted(there) === isExhausted(record);
    });
  if (isSameList) return [];
  const said = new Map(before.map((record) => [record.descriptor.id, isExhausted(record)]));
  return after.flatMap((record): BudgetChange[] => {
    const { id: runtime } = record.descriptor;
    if ((said.get(runtime) ?? false) === isExhausted(record)) return [];
    const budget = record.status.restart_budget ?? NO_BUDGET;
    const { max_restarts, window_seconds, remaining, reset_at } = budget;
    return [{ runtime, max_restarts, window_seconds, remaining, ...(reset_at && { reset_at }) }];
  });
}

/** A window without restarts is switched off, not exhausted. */
function isExhausted(record: RuntimeRecord): boolean {
  const budget = record.status.restart_budget;
  return budget !== undefined && isSpent(budget);
}

function isSpent({
  max_restarts: max,
  remaining,
}: Pick<RestartBudget, 'max_restarts' | 'remaining'>): boolean {
  return max > 0 && remaining === 0;
}

/** Almost every snapshot is a heartbeat, and costs no more than this look. */
function isSame(before: readonly RuntimeRecord[], after: readonly RuntimeRecord[]): boolean {
  return (
    before.length === after.length &&
    after.every(
      ({ descriptor, status }, index) =>
        before[index]?.descriptor.id === descriptor.id && before[index].status.state === status.state,
    )
  );
}
