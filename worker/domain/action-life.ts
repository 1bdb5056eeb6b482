// Owns the life of an action: queued -> running -> completed | failed. It is live work: where its node or this hub loses
// hold of it, it has failed, with the reason, and is never begun again by itself.

import { ACTION_KIND, type Action, type ActionState, type ChatOutput } from '../../contract/actions.ts';
import type { CommandError } from '../../contract/command.ts';
import { problem, type Problem } from '../../contract/problem.ts';

/** An answer that takes longer is not waited for: nobody sits before it any more. */
export const ACTION_AT_MOST_MS = 30 * 60_000;

/** How long, and how many for one node, an action that is over stays readable. Prompts are not kept at all. */
export const ACTION_KEPT_MS = 3_600_000;
export const ACTIONS_KEPT_PER_NODE = 100;

/** A longer reply is no answer of a chat, and an object has one memory for all of them. */
export const REPLY_MAX_BYTES = 256 * 1024;

export type ActionRecord = {
  id: string;
  node: string;
  runtime: string;
  backend: string;
  model: string | null;
  state: ActionState;
  /** Of its exchange with the node: by it that is cancelled after this object lost its memory. */
  stream: number;
  project: string | null;
  agent: string | null;
  submittedAt: number;
  finishedAt: number | null;
  output: ChatOutput | null;
  error: CommandError | null;
  idempotencyKey: string | null;
  /** SHA-256 of what was asked, hex, where it has a key: one that is used for something else is found out. */
  digest: string;
};

export type ActionEvent =
  | { type: 'sent' }
  | { type: 'completed'; at: number; model: string | null; reply: ChatOutput['reply'] }
  | { type: 'failed'; at: number; error: CommandError };

/** The record after the event: the same object where the event changes nothing. What is over stays as it is. */
export function stepAction(record: ActionRecord, event: ActionEvent): ActionRecord {
  if (record.finishedAt !== null) return record;
  switch (event.type) {
    case 'sent':
      return { ...record, state: 'running' };
    case 'completed': {
      const model = record.model ?? event.model;
      const output: ChatOutput = {
        backend: record.backend,
        ...(model !== null && { model }),
        node: record.node,
        runtime: record.runtime,
        ...(event.reply !== undefined && { reply: event.reply }),
        latency_ms: Math.max(0, event.at - record.submittedAt),
      };
      return { ...record, state: 'completed', finishedAt: event.at, model, output };
    }
    case 'failed':
      return { ...record, state: 'failed', finishedAt: event.at, error: event.error };
    default:
      return event satisfies never;
  }
}

/** As `GET /actions/{id}` tells it. */
export function toAction(record: ActionRecord): Action {
  return {
    id: record.id,
    kind: ACTION_KIND,
    state: record.state,
    node: record.node,
    runtime: record.runtime,
    ...(record.project !== null && { project: record.project }),
    ...(record.agent !== null && { agent: record.agent }),
    submitted_at: new Date(record.submittedAt).toISOString(),
    ...(record.finishedAt !== null && { finished_at: new Date(record.finishedAt).toISOString() }),
    ...(record.output !== null && { output: record.output }),
    ...(record.error !== null && { error: record.error }),
  };
}

export const CANCELLED: CommandError = {
  reason: 'cancelled',
  message: 'It was cancelled; the engine was told to stop',
};

/** What ran when this object was put out of memory: its node was told to stop, and nobody heard the end. */
export const FORGOTTEN: CommandError = {
  reason: 'hub-restarted',
  message: 'The hub was restarted while this ran and cannot tell how it ended; ask again',
};

/** The problem document for whoever waits for the answer itself. */
export function actionProblem({ reason, message }: CommandError, id: string): Problem {
  const extensions = { action_id: id };
  switch (reason) {
    case 'node-gone':
      return problem('node-offline', message, extensions);
    case 'node-silent':
    case 'timeout':
      return problem('node-silent', message, extensions);
    case 'too-many-relays':
      return problem('too-many-relays', message, extensions);
    case 'unknown-model':
      return problem('unknown-model', message, extensions);
    case 'runtime-not-ready':
      return problem('runtime-not-ready', message, extensions);
    case 'malformed-body':
      return problem('malformed-body', message, extensions);
    default:
      return problem('runtime-failed', message, extensions);
  }
}
