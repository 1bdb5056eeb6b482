// Owns which steps of a command are told as events.

import { isFinalJobState } from '../../contract/command.ts';
import type { EventDraft } from '../../contract/events.ts';
import type { CommandRecord } from './command-life.ts';
import { isoTime } from './freshness.ts';

/** A restore that is refused at once is told as requested and as completed, which it did not do well. */
export function jobEvents(before: CommandRecord | undefined, after: CommandRecord): EventDraft[] {
  if (after.kind !== 'restore') return [];
  const named = { node: after.node, runtime: after.runtime, job_id: after.id };
  const drafts: EventDraft[] = [];
  if (before === undefined) {
    drafts.push({
      time: isoTime(after.issuedAt),
      kind: 'runtime.restore.requested',
      payload: { ...named, args: after.args },
    });
  }
  if (isFinalJobState(after.state)) {
    drafts.push({
      time: isoTime(after.finishedAt ?? after.issuedAt),
      kind: 'runtime.restore.completed',
      payload: {
        ...named,
        ok: after.state === 'completed',
        state: after.state,
        ...(after.result !== null && { result: after.result }),
        ...(after.error !== null && { error: after.error }),
      },
    });
  }
  return drafts;
}
