// Owns which steps of an action are told as events. Neither what was asked nor what was answered is told.

import { ACTION_KIND } from '../../contract/actions.ts';
import type { EventDraft } from '../../contract/events.ts';
import type { ActionRecord } from './action-life.ts';
import { isoTime } from './freshness.ts';

/** @param before undefined where nobody was told of the action yet. */
export function actionEvents(before: ActionRecord | undefined, after: ActionRecord): EventDraft[] {
  const { id, node, runtime, backend, model, project, agent } = after;
  const about = {
    id,
    kind: ACTION_KIND,
    node,
    runtime,
    backend,
    ...(model !== null && { model }),
    ...(project !== null && { project }),
    ...(agent !== null && { agent }),
  };
  const submitted = isoTime(after.submittedAt);
  const drafts: EventDraft[] = [];
  if (before === undefined) {
    drafts.push({ time: submitted, kind: 'actions.submitted', payload: about });
    // One that was refused where it went has run too: the node had it.
    if (after.state !== 'queued') drafts.push({ time: submitted, kind: 'actions.running', payload: about });
  }
  if (after.finishedAt === null || before?.finishedAt === after.finishedAt) return drafts;
  const latency = { latency_ms: Math.max(0, after.finishedAt - after.submittedAt) };
  const time = isoTime(after.finishedAt);
  if (after.state === 'completed') {
    drafts.push({ time, kind: 'actions.completed', payload: { ...about, ...latency } });
  } else if (after.error !== null) {
    drafts.push({ time, kind: 'actions.failed', payload: { ...about, ...latency, error: after.error } });
  }
  return drafts;
}
