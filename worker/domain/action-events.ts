// Owns which steps of an action are told as events. What was asked and what was answered is nobody's but who asked.

import { ACTION_KIND } from '../../contract/actions.ts';
import type { EventDraft } from '../../contract/events.ts';
import type { ActionRecord } from './action-life.ts';
import { isoTime } from './freshness.ts';

export type ActionEventDraft = EventDraft;

/** @param isNew nothing was told of it before. It is sent to its node as it is taken, so that both are told at once. */
export function actionEvents(record: ActionRecord, isNew: boolean): ActionEventDraft[] {
  const { id, node, runtime, backend, model, project, agent, error, submittedAt, finishedAt } = record;
  const payload = {
    id,
    kind: ACTION_KIND,
    node,
    runtime,
    backend,
    ...(model !== null && { model }),
    ...(project !== null && { project }),
    ...(agent !== null && { agent }),
  };
  const time = isoTime(submittedAt);
  const drafts: ActionEventDraft[] = isNew
    ? [
        { time, kind: 'actions.submitted', payload },
        { time, kind: 'actions.running', payload },
      ]
    : [];
  if (finishedAt === null) return drafts;
  const end = { ...payload, latency_ms: Math.max(0, finishedAt - submittedAt) };
  const at = isoTime(finishedAt);
  return [
    ...drafts,
    error === null
      ? { time: at, kind: 'actions.completed', payload: end }
      : { time: at, kind: 'actions.failed', payload: { ...end, error } },
  ];
}
