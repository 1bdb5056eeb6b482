// Owns the sentence of an event. What a newer hub tells, and what this program does not understand, is shown as it came.

import * as v from 'valibot';
import { EVENT_PAYLOADS, type Event } from '../../contract/events.ts';
import type { ModelChange } from '../../contract/models-changed.ts';
import { stateLabel } from '../../contract/words.ts';
import { styled, type Span, type Style } from './line.ts';
import { toSeconds } from './time.ts';
import { styleOfCode, styleOfSeverity } from './styles.ts';

type Kind = keyof typeof EVENT_PAYLOADS;
type Words = string | { words: string; style: Style };
type Payload<K extends Kind> = v.InferOutput<(typeof EVENT_PAYLOADS)[K]>;

/** Says nothing of what has another form than it should. */
function teller<K extends Kind>(
  kind: K,
  words: (payload: Payload<K>) => Words,
): (payload: unknown) => Words | undefined {
  const schema: (typeof EVENT_PAYLOADS)[K] = EVENT_PAYLOADS[kind];
  return (payload) => {
    const parsed = v.safeParse(schema, payload);
    return parsed.success ? words(parsed.output) : undefined;
  };
}

/** More models than this are counted: an event has a line. */
const NAMED_MODELS = 3;

const TELLERS = {
  'runtime.state.changed': teller(
    'runtime.state.changed',
    ({ node, runtime, from, to, severity, summary, removed }) => {
      const name = `${node}/${runtime}`;
      if (removed === true) return `${name} left the registry of its node (was ${stateLabel(from)})`;
      const why = summary === stateLabel(to) ? '' : `: ${summary}`;
      return {
        words: `${name} is ${stateLabel(to)} (was ${stateLabel(from)})${why}`,
        style: styleOfSeverity(severity),
      };
    },
  ),
  'runtime.budget.exhausted': teller(
    'runtime.budget.exhausted',
    ({ node, runtime, max_restarts, window_seconds }) => ({
      words: `${node}/${runtime} has no restart left of ${max_restarts} in ${window_seconds} s`,
      style: 'warn',
    }),
  ),
  'runtime.budget.restored': teller('runtime.budget.restored', ({ node, runtime, remaining }) => ({
    words: `${node}/${runtime} may restart again; ${remaining} left`,
    style: 'good',
  })),
  'runtime.restore.requested': teller(
    'runtime.restore.requested',
    ({ node, runtime, job_id }) => `a restore of ${node}/${runtime} was asked for; job ${job_id}`,
  ),
  'runtime.restore.completed': teller('runtime.restore.completed', ({ node, runtime, ok, state, error }) =>
    ok
      ? { words: `the restore of ${node}/${runtime} is done`, style: 'good' }
      : { words: `the restore of ${node}/${runtime} ${state}${because(error)}`, style: 'bad' },
  ),
  'jobs.changed': teller('jobs.changed', ({ node, runtime, kind, state, from, error, job_id }) => {
    const was = from === undefined ? '' : ` (was ${from})`;
    const words = `${kind} of ${node}/${runtime} is ${state}${was}${because(error)}; job ${job_id}`;
    return state === 'failed' || state === 'expired' ? { words, style: 'bad' } : words;
  }),
  'models.changed': teller('models.changed', ({ node, changes, more = 0 }) => {
    const hidden = changes.length - NAMED_MODELS + more;
    const named = changes.slice(0, NAMED_MODELS).map((change) => modelWords(node, change));
    return [...named, ...(hidden > 0 ? [`and ${hidden} more`] : [])].join('; ');
  }),
  'node.online': teller('node.online', ({ node, silent_since, uplink }) =>
    silent_since === undefined
      ? { words: `node ${node} is heard (uplink ${uplink})`, style: 'good' }
      : {
          words: `node ${node} is heard again; it was silent since ${toSeconds(silent_since)}`,
          style: 'good',
        },
  ),
  'node.stale': teller('node.stale', ({ node, label }) => ({
    words: `node ${node} is past its TTL: ${label}`,
    style: 'bad',
  })),
  'node.removed': teller('node.removed', ({ node, reason }) =>
    reason === 'operator'
      ? { words: `node ${node} was removed by an operator`, style: 'warn' }
      : { words: `node ${node} was forgotten after a long silence`, style: 'warn' },
  ),
  'actions.submitted': teller('actions.submitted', (action) => `${actionWords(action)} was asked for`),
  'actions.running': teller('actions.running', (action) => `${actionWords(action)} is being answered`),
  'actions.completed': teller(
    'actions.completed',
    (action) => `${actionWords(action)} was answered${took(action.latency_ms)}`,
  ),
  'actions.failed': teller('actions.failed', (action) => ({
    words: `${actionWords(action)} failed${took(action.latency_ms)}${because(action.error)}`,
    style: 'bad',
  })),
  'runtime.health': teller('runtime.health', ({ target, status }) => ({
    words: `node ${target} says: ${status.label}`,
    style: styleOfCode(status.code),
  })),
  'state.read.model.patch': teller(
    'state.read.model.patch',
    ({ id, shard, version, patch }) =>
      `${id} of ${shard} is at version ${version} (${patch.length} ${patch.length === 1 ? 'change' : 'changes'})`,
  ),
  'stream.gap': teller('stream.gap', ({ message, reason }) => ({
    words: `something is missing here (${reason}): ${message}`,
    style: 'warn',
  })),
  'stream.end': teller('stream.end', ({ message, reason }) => ({
    words: `the stream ends (${reason}): ${message}`,
    style: 'warn',
  })),
} satisfies Record<Kind, (payload: unknown) => Words | undefined>;

export function eventWords({ kind, payload }: Event): Span {
  const words = isKnown(kind) ? TELLERS[kind](payload) : undefined;
  if (words === undefined) return styled('faint', `${kind} ${JSON.stringify(payload)}`);
  return typeof words === 'string' ? { text: words } : styled(words.style, words.words);
}

function isKnown(kind: string): kind is Kind {
  return Object.hasOwn(TELLERS, kind);
}

function because(error: { message: string } | undefined): string {
  return error === undefined ? '' : `: ${error.message}`;
}

function took(latencyMs: number | undefined): string {
  return latencyMs === undefined ? '' : ` in ${(latencyMs / 1000).toFixed(1)} s`;
}

function actionWords({
  id,
  node,
  runtime,
  model,
}: {
  id: string;
  node: string;
  runtime: string;
  model?: string | undefined;
}): string {
  return `a chat with ${model === undefined ? '' : `${model} on `}${node}/${runtime} (${id})`;
}

function modelWords(node: string, { runtime, model, from, to }: ModelChange): string {
  const name = `${node}/${runtime}`;
  if (to === undefined) return `${name} has ${model} no more`;
  return from === undefined
    ? `${name} has ${model} now (${to})`
    : `${model} of ${name} is ${to} (was ${from})`;
}
