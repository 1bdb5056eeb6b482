// Owns what a person reads of an event: one sentence, how grave it is, and what it is about.

import * as v from 'valibot';
import { isFinalJobState } from '../../contract/command.ts';
import {
  EVENT_KINDS,
  payloadSchemaOf,
  type Event,
  type EventDraft,
  type EventKind,
} from '../../contract/events.ts';
import type { ModelChange } from '../../contract/models-changed.ts';
import { stateLabel, type RuntimeState, type Severity } from '../../contract/words.ts';

export type EventGroup = 'runtimes' | 'nodes' | 'commands' | 'models' | 'actions' | 'stream';

export type EventWords = {
  group: EventGroup;
  severity: Severity;
  sentence: string;
  node?: string;
  runtime?: string;
};

/** Undefined where nobody needs to read it: a heartbeat, a patch, a kind that this page does not know. */
export function eventWords({ time, kind, payload }: Event): EventWords | undefined {
  const event = { time, kind, payload };
  return isDraft(event) ? wordsOf(event) : undefined;
}

type Heard = Pick<Event, 'time' | 'kind' | 'payload'>;

/** True where the payload is what the contract has for its kind. */
function isDraft(event: Heard): event is EventDraft {
  const kind = EVENT_KINDS.find((known) => known === event.kind);
  if (kind === undefined || !isTold(kind)) return false;
  const schema = payloadSchemaOf(kind);
  return schema !== undefined && v.is(schema, event.payload);
}

/** These come with every heartbeat: checking them would cost more than all the rest. */
function isTold(kind: EventKind): boolean {
  return kind !== 'runtime.health' && kind !== 'state.read.model.patch';
}

function wordsOf(event: EventDraft): EventWords | undefined {
  switch (event.kind) {
    case 'runtime.state.changed': {
      const { node, runtime, from, to, severity, summary, removed } = event.payload;
      const about = { group: 'runtimes' as const, severity, node, runtime };
      if (removed === true) return { ...about, sentence: `${node}/${runtime} left the registry of its node` };
      return { ...about, sentence: stateSentence(`${node}/${runtime}`, from, to, summary) };
    }
    case 'runtime.budget.exhausted': {
      const { node, runtime, max_restarts: max, window_seconds: seconds } = event.payload;
      const sentence = `${node}/${runtime} has no restart left of ${max} in ${seconds} s`;
      return { group: 'runtimes', severity: 'warn', sentence, node, runtime };
    }
    case 'runtime.budget.restored': {
      const { node, runtime, remaining } = event.payload;
      const sentence = `${node}/${runtime} may restart again: ${remaining} left`;
      return { group: 'runtimes', severity: 'info', sentence, node, runtime };
    }
    case 'jobs.changed': {
      const { node, runtime, kind, state, error } = event.payload;
      // Events of its own tell that a restore was asked for, and how it ended.
      if (kind === 'restore' && (state === 'queued' || isFinalJobState(state))) return undefined;
      const bad = state === 'failed' || state === 'expired';
      const why = error === undefined ? '' : `: ${error.message}`;
      const sentence = `${verb(kind)} of ${node}/${runtime} ${JOB_WORDS[state]}${why}`;
      return { group: 'commands', severity: bad ? 'error' : 'info', sentence, node, runtime };
    }
    case 'runtime.restore.requested': {
      const { node, runtime, args } = event.payload;
      const how = args['force'] === true ? ', forced past its budget' : '';
      return {
        group: 'commands',
        severity: 'info',
        sentence: `A restore of ${node}/${runtime} was asked for${how}`,
        node,
        runtime,
      };
    }
    case 'runtime.restore.completed': {
      const { node, runtime, ok, state, error } = event.payload;
      const why = error === undefined ? '' : `: ${error.message}`;
      const sentence = ok
        ? `${node}/${runtime} was restored`
        : `The restore of ${node}/${runtime} ${JOB_WORDS[state]}${why}`;
      return { group: 'commands', severity: ok ? 'info' : 'error', sentence, node, runtime };
    }
    case 'models.changed': {
      const { node, changes, more = 0 } = event.payload;
      const failed = changes.some(({ to }) => to === 'failed');
      const runtime = changes[0]?.runtime;
      return {
        group: 'models',
        severity: failed ? 'error' : 'info',
        sentence: `${node}: ${modelsSentence(changes, more)}`,
        node,
        ...(runtime !== undefined && { runtime }),
      };
    }
    case 'node.online': {
      const { node, uplink, silent_since: silent } = event.payload;
      const how = uplink === 'post' ? ', reporting by POST' : '';
      const sentence =
        silent === undefined ? `Node ${node} is connected${how}` : `Node ${node} is heard again${how}`;
      return { group: 'nodes', severity: 'info', sentence, node };
    }
    case 'node.stale': {
      const { node, label } = event.payload;
      const sentence = `Node ${node} is silent: ${label.replace(/^Offline - /, '')}`;
      return { group: 'nodes', severity: 'error', sentence, node };
    }
    case 'node.removed': {
      const { node, reason } = event.payload;
      const why = reason === 'operator' ? 'by an operator' : 'after it was silent for too long';
      return { group: 'nodes', severity: 'warn', sentence: `Node ${node} was removed ${why}`, node };
    }
    case 'actions.submitted':
    case 'actions.running':
    case 'actions.completed':
    case 'actions.failed': {
      const { node, runtime, model } = event.payload;
      const what = `Chat with ${model ?? runtime} on ${node}`;
      const sentence = `${what} ${actionEnd(event)}`;
      const severity = event.kind === 'actions.failed' ? 'warn' : 'info';
      return { group: 'actions', severity, sentence, node, runtime };
    }
    case 'stream.gap':
      // Said at every connection: the patches are in no log. The page loads again what they tell.
      if (event.payload.reason === 'unlogged') return undefined;
      return {
        group: 'stream',
        severity: 'warn',
        sentence: `Events are missing here. ${event.payload.message}`,
      };
    case 'stream.end':
      return { group: 'stream', severity: 'warn', sentence: `The stream ended. ${event.payload.message}` };
    case 'runtime.health':
    case 'state.read.model.patch':
    // Reserved: this hub does not make them yet, and their payloads are not settled.
    case 'runtime.claim.acquired':
    case 'runtime.claim.released':
    case 'policy.decision':
    case 'policy.reloaded':
    case 'leases.created':
    case 'leases.renewed':
    case 'leases.released':
    case 'leases.expired':
    case 'node.drained':
      return undefined;
    default:
      return event satisfies never;
  }
}

const JOB_WORDS = {
  queued: 'is queued',
  delivered: 'reached its node',
  running: 'has begun',
  completed: 'is done',
  failed: 'failed',
  expired: 'expired before its node took it',
  cancelled: 'was cancelled',
} as const;

/** `gpu-01/llama went from Ready to Error: exit code 139`; the summary where it says more than the state. */
function stateSentence(name: string, from: RuntimeState, to: RuntimeState, summary: string): string {
  const way = from === 'unknown' ? 'is' : `went from ${stateLabel(from)} to`;
  const why = summary === stateLabel(to) ? '' : `: ${summary}`;
  return `${name} ${way} ${stateLabel(to)}${why}`;
}

function modelsSentence(changes: readonly ModelChange[], more: number): string {
  const [first, ...rest] = changes.map(changeWords);
  const others = rest.length + more;
  if (first === undefined) return `${others} models changed`;
  return others === 0 ? first : `${first}, and ${others} more`;
}

function changeWords({ model, from, to }: ModelChange): string {
  if (to === undefined) return `${model} is gone`;
  if (from === undefined) return to === 'unknown' ? `${model} appeared` : `${model} appeared, ${to}`;
  if (to === 'failed') return `${model} failed to load`;
  return `${model} is ${to}, was ${from}`;
}

function actionEnd(event: Extract<EventDraft, { kind: `actions.${string}` }>): string {
  switch (event.kind) {
    case 'actions.submitted':
      return 'was asked for';
    case 'actions.running':
      return 'is under way';
    case 'actions.completed':
      return `is done${tookWords(event.payload.latency_ms)}`;
    case 'actions.failed':
      return `failed${tookWords(event.payload.latency_ms)}: ${event.payload.error.message}`;
    default:
      return event satisfies never;
  }
}

function tookWords(latencyMs: number | undefined): string {
  return latencyMs === undefined ? '' : ` after ${(latencyMs / 1000).toFixed(1)} s`;
}

/** `Restore`; a kind of a newer hub is left as it is. */
function verb(kind: string): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}
