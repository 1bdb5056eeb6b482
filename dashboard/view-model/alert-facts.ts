// Owns what the page says of an alert: what it tells of, and what became of its messages. `now` is the hub's clock.

import { aboutWords, kindsWords } from '../../contract/alert-words.ts';
import type { Alert, AlertItem } from '../../contract/alerts.ts';
import { spanWords } from './figures.ts';
import type { Shape } from './node-view.ts';

export type Fact = readonly [name: string, words: string];

export function ruleFacts(alert: Alert): Fact[] {
  const { min_severity: severity, grace_seconds: grace, recoveries, shape, signed } = alert;
  return [
    ['Tells of', kindsWords(alert)],
    ['About', aboutWords(alert)],
    ['Severity', severity === 'error' ? 'errors only' : 'warnings and errors'],
    ['Grace', grace === 0 ? 'none: told at once' : spanWords(grace * 1000)],
    ['Recovery', recoveries ? 'told' : 'not told'],
    ...(shape === 'generic' ? [['Signature', signed ? 'signed' : 'none'] as const] : []),
  ];
}

/** `12 delivered, 1 queued, 3 dropped`: what there is none of is left out. */
export function deliveryWords({ delivery }: Alert): string {
  const { queued, delivered, dropped } = delivery;
  return [
    `${delivered} delivered`,
    ...(queued > 0 ? [`${queued} queued`] : []),
    ...(dropped > 0 ? [`${dropped} dropped`] : []),
  ].join(', ');
}

/** Undefined where nothing is waited for. */
export function nextAttemptWords({ delivery }: Alert, now: number): string | undefined {
  const { next_attempt_at: next, queued } = delivery;
  if (next === undefined || queued === 0) return undefined;
  const inMs = Date.parse(next) - now;
  return inMs <= 0 ? 'The next attempt is under way' : `The next attempt is in ${spanWords(inMs + 999)}`;
}

/** What was given up is not heard of again: somebody has to look at the receiver. */
export function needsLook({ delivery }: Alert): boolean {
  const { last_error: error, last_delivered_at: delivered } = delivery;
  return error !== undefined && (delivered === undefined || Date.parse(error.time) >= Date.parse(delivered));
}

export function alertState(alert: Alert): { shape: Shape; word: string } {
  if (!alert.enabled) return { shape: 'offline', word: 'Off' };
  if (needsLook(alert)) return { shape: 'degraded', word: 'On, not delivered' };
  return { shape: 'ready', word: 'On' };
}

/** What is open, by its name. */
export function openWords({ node, runtime, severity, summary }: AlertItem): {
  shape: Shape;
  word: string;
  sentence: string;
} {
  const isError = severity === 'error';
  return {
    shape: isError ? 'error' : 'degraded',
    word: isError ? 'PROBLEM' : 'WARNING',
    sentence: `${runtime === undefined ? node : `${node}/${runtime}`}: ${summary}`,
  };
}
