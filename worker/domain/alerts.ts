// Owns who is told of which trouble and when: an alert's rule, what it has told as open, and the one decision over both.

import { ALERT_GRACE_DEFAULT_SECONDS, ALERT_KINDS, type AlertItem } from '../../contract/alerts.ts';
import type { AlertKind, AlertRequest, AlertShape } from '../../contract/alerts.ts';
import { problem } from '../../contract/problem.ts';
import type { Subject, Trouble } from './alert-troubles.ts';
import { isoTime } from './freshness.ts';
import { fail, type Result } from './parse.ts';

export type AlertRule = {
  id: string;
  shape: AlertShape;
  url: string;
  /** `whsec_…`; null where nothing is signed. */
  secret: string | null;
  kinds: readonly AlertKind[];
  nodes?: readonly string[];
  runtimes?: readonly string[];
  minSeverity: 'warn' | 'error';
  graceMs: number;
  recoveries: boolean;
  enabled: boolean;
};

/** A trouble that was told, as it was told. Its end is told once, and then it is none any more. */
export type Opening = Subject &
  Pick<Trouble, 'severity' | 'summary' | 'since'> & {
    /** Of this opening alone, of all there ever are. */
    key: string;
  };

export type AlertDecision =
  | { act: 'none' }
  /** It may be told then, if it is still there. */
  | { act: 'wait'; until: number }
  | { act: 'open'; opening: Omit<Opening, 'key'> }
  /** The opening is over: its recovery is told, where the rule wants that. */
  | { act: 'resolve' };

/** What an alert does about one subject, of which at most one opening is. */
export function decideAlert(
  rule: AlertRule,
  trouble: Trouble | undefined,
  opening: Opening | undefined,
  now: number,
): AlertDecision {
  const begunAt = trouble && watchedSince(rule, trouble);
  if (opening !== undefined) {
    // Another trouble of the same subject is another opening.
    const isOver = begunAt === undefined || trouble?.since !== opening.since;
    return isOver ? { act: 'resolve' } : { act: 'none' };
  }
  if (trouble === undefined || begunAt === undefined) return { act: 'none' };
  const until = begunAt + rule.graceMs;
  if (now < until) return { act: 'wait', until };
  const { kind, node, runtime, severity, summary, since } = trouble;
  return { act: 'open', opening: { kind, node, runtime, severity, summary, since } };
}

/** Since when the trouble is one that the alert tells of; undefined where it is none. */
function watchedSince(rule: AlertRule, trouble: Trouble): number | undefined {
  const { kind, node, runtime, since, errorSince } = trouble;
  if (!rule.enabled || !rule.kinds.includes(kind)) return undefined;
  if (rule.nodes !== undefined && !rule.nodes.includes(node)) return undefined;
  // A node has no runtime that could be another one.
  if (rule.runtimes !== undefined && runtime !== '' && !rule.runtimes.includes(runtime)) return undefined;
  return rule.minSeverity === 'warn' ? since : (errorSince ?? undefined);
}

/** The words of an opening, or of its end. */
export function alertItem(opening: Opening, resolvedAt?: number): AlertItem {
  const { kind, node, runtime, severity, summary, since, key } = opening;
  return {
    status: resolvedAt === undefined ? 'open' : 'resolved',
    key,
    kind,
    node,
    ...(runtime !== '' && { runtime }),
    severity,
    summary,
    since: isoTime(since),
    ...(resolvedAt !== undefined && { resolved_at: isoTime(resolvedAt) }),
  };
}

/** The rule that a request makes of the one before, if there is one. @param check a URL that may be called */
export function ruleOf(
  id: string,
  request: AlertRequest,
  before: AlertRule | undefined,
  check: (url: string) => Result<string>,
): Result<AlertRule> {
  const url = request.url ?? before?.url;
  if (url === undefined) {
    return fail(problem('alert-unusable', 'A new alert needs the "url" of its receiver'));
  }
  const target = check(url);
  if (!target.ok) return target;
  const shape = request.shape ?? 'generic';
  const secret = request.secret === undefined ? (before?.secret ?? null) : request.secret;
  // A secret that is kept from a generic alert is of no use to another shape, and none that is given is dropped unsaid.
  if (shape !== 'generic' && typeof request.secret === 'string') {
    return fail(problem('alert-unusable', `"${shape}" checks no signature: leave "secret" out`));
  }
  return {
    ok: true,
    value: {
      id,
      shape,
      url: target.value,
      secret: shape === 'generic' ? secret : null,
      kinds: request.kinds ?? ALERT_KINDS,
      ...(request.nodes && { nodes: request.nodes }),
      ...(request.runtimes && { runtimes: request.runtimes }),
      minSeverity: request.min_severity ?? 'warn',
      graceMs: (request.grace_seconds ?? ALERT_GRACE_DEFAULT_SECONDS) * 1000,
      recoveries: request.recoveries ?? true,
      enabled: request.enabled ?? true,
    },
  };
}
