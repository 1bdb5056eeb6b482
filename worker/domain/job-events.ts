// Owns which steps of a command are told as events.

import { isFinalJobState } from '../../contract/command.ts';
import type { EventDraft } from '../../contract/events.ts';
import type { CommandRecord } from './command-life.ts';
import { isoTime } from './freshness.ts';

/** Each state of a job once; a command that goes out again is in the state that it had. */
export function jobEvents(before: CommandRecord | undefined, after: CommandRecord): EventDraft[] {
  if (before?.state === after.state) return [];
  return [changed(before, after), ...restoreEvents(before, after)];
}

function changed(before: CommandRecord | undefined, after: CommandRecord): EventDraft {
  return {
    time: isoTime(changedAt(after)),
    kind: 'jobs.changed',
    payload: {
      ...named(after),
      kind: after.kind,
      ...(before !== undefined && { from: before.state }),
      state: after.state,
      ...(after.error !== null && { error: after.error }),
    },
  };
}

/** A restore that is refused at once is told as requested and as completed, which it did not do well. */
function restoreEvents(before: CommandRecord | undefined, after: CommandRecord): EventDraft[] {
  if (after.kind !== 'restore') return [];
  const drafts: EventDraft[] = [];
  if (before === undefined) {
    drafts.push({
      time: isoTime(after.issuedAt),
      kind: 'runtime.restore.requested',
      payload: { ...named(after), args: after.args },
    });
  }
  if (isFinalJobState(after.state)) {
    drafts.push({
      time: isoTime(changedAt(after)),
      kind: 'runtime.restore.completed',
      payload: {
        ...named(after),
        ok: after.state === 'completed',
        state: after.state,
        ...(after.result !== null && { result: after.result }),
        ...(after.error !== null && { error: after.error }),
      },
    });
  }
  return drafts;
}

function named({ node, runtime, id }: CommandRecord): { node: string; runtime: string; job_id: string } {
  return { node, runtime, job_id: id };
}

/** The last of its times: each state sets another one. */
function changedAt({ issuedAt, deliveredAt, receivedAt, finishedAt }: CommandRecord): number {
  return finishedAt ?? receivedAt ?? deliveredAt ?? issuedAt;
}
