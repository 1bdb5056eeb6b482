// Owns what of the event stream is trouble: when it begins, what makes it worse, and what ends it. Who is told of it is
// decided elsewhere.

import type { AlertKind } from '../../contract/alerts.ts';
import type { EventDraft } from '../../contract/events.ts';
import { spokenLine } from '../../contract/status.ts';
import type { RuntimeState, Severity } from '../../contract/words.ts';

/** What is troubled in which way: one trouble at a time. `runtime` is empty where it is a node's. */
export type Subject = { kind: AlertKind; node: string; runtime: string };

export type Trouble = Subject & {
  /** The worst that it has been. */
  severity: 'warn' | 'error';
  summary: string;
  since: number;
  /** Since when it is an error; null where it never was. */
  errorSince: number | null;
};

export type TroubleChange =
  | { change: 'begins'; trouble: Trouble }
  | { change: 'ends'; subject: Subject }
  /** Nothing of it is trouble any more: of a runtime, or of a node with all its runtimes, but for what `stays`. */
  | { change: 'gone'; node: string; runtime?: string; stays?: AlertKind };

const HEEDED = [
  'runtime.state.changed',
  'runtime.budget.exhausted',
  'runtime.budget.restored',
  'node.stale',
  'node.online',
  'node.removed',
] as const;
type Heeded = Extract<EventDraft, { kind: (typeof HEEDED)[number] }>;

function isHeeded(draft: EventDraft): draft is Heeded {
  return HEEDED.some((kind) => kind === draft.kind);
}

/** What an event does; undefined where it is none of trouble. `now` bounds a time that another clock told. */
export function troubleChange(draft: EventDraft, now: number): TroubleChange | undefined {
  if (!isHeeded(draft)) return undefined;
  const at = Math.min(Date.parse(draft.time), now);
  switch (draft.kind) {
    case 'runtime.state.changed': {
      const { node, runtime, to, severity, summary, removed } = draft.payload;
      if (removed === true) return { change: 'gone', node, runtime };
      const subject: Subject = { kind: 'runtime.state', node, runtime };
      // On its way it is neither well nor worse: what it was in before goes on until it serves.
      if (to === 'starting' || to === 'unknown') return undefined;
      if (!isBad(to) || severity === 'info') return { change: 'ends', subject };
      return { change: 'begins', trouble: trouble(subject, severity, summary, at) };
    }
    case 'runtime.budget.exhausted': {
      const { node, runtime, max_restarts: max, window_seconds: seconds, reset_at: resetAt } = draft.payload;
      const next = resetAt === undefined ? '' : `, the next one is free at ${resetAt}`;
      const summary = `No restart left (${max} in ${seconds} s are spent${next})`;
      return { change: 'begins', trouble: trouble(budget(node, runtime), 'warn', summary, at) };
    }
    case 'runtime.budget.restored': {
      const { node, runtime } = draft.payload;
      return { change: 'ends', subject: budget(node, runtime) };
    }
    case 'node.stale': {
      const { node, label } = draft.payload;
      return { change: 'begins', trouble: trouble(silence(node), 'error', label, at) };
    }
    case 'node.online':
      return { change: 'ends', subject: silence(draft.payload.node) };
    case 'node.removed': {
      const { node, reason } = draft.payload;
      // A hub that forgets what a node last said does not hear it: the silence goes on.
      return { change: 'gone', node, ...(reason === 'retention' && { stays: 'node.stale' }) };
    }
    default:
      return draft satisfies never;
  }
}

/** What goes on is one trouble, since its beginning, as bad as it ever was. */
export function worsened(before: Trouble | undefined, told: Trouble): Trouble {
  if (before === undefined) return told;
  return {
    ...told,
    since: before.since,
    severity: before.severity === 'error' ? 'error' : told.severity,
    errorSince: before.errorSince ?? told.errorSince,
  };
}

/** No part of it holds a space. */
export function subjectKey({ kind, node, runtime }: Subject): string {
  return `${kind} ${node} ${runtime}`;
}

function isBad(state: RuntimeState): boolean {
  return state === 'degraded' || state === 'error' || state === 'offline';
}

function trouble(subject: Subject, severity: Severity, summary: string, at: number): Trouble {
  const isError = severity === 'error';
  return {
    ...subject,
    severity: isError ? 'error' : 'warn',
    summary: spokenLine(summary),
    since: at,
    errorSince: isError ? at : null,
  };
}

function budget(node: string, runtime: string): Subject {
  return { kind: 'budget.exhausted', node, runtime };
}

function silence(node: string): Subject {
  return { kind: 'node.stale', node, runtime: '' };
}
