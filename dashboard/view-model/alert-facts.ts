// Owns the shapes of an alert on the page and of what is open, and what is said of an attempt to come.

import { isFailing, openSentence, openWord } from '../../contract/alert-words.ts';
import type { Alert, AlertItem } from '../../contract/alerts.ts';
import { spanWords } from './figures.ts';
import type { Shape } from './node-view.ts';

/** Undefined where nothing is waited for. @param now by the hub's clock */
export function nextAttemptWords({ delivery }: Alert, now: number): string | undefined {
  const { next_attempt_at: next, queued } = delivery;
  if (next === undefined || queued === 0) return undefined;
  const inMs = Date.parse(next) - now;
  return inMs <= 0 ? 'The next attempt is under way' : `The next attempt is in ${spanWords(inMs + 999)}`;
}

export function alertState(alert: Alert): { shape: Shape; word: string } {
  if (!alert.enabled) return { shape: 'offline', word: 'Off' };
  if (isFailing(alert)) return { shape: 'degraded', word: 'On, not delivered' };
  return { shape: 'ready', word: 'On' };
}

export function openWords(item: AlertItem): { shape: Shape; word: string; sentence: string } {
  return {
    shape: item.severity === 'error' ? 'error' : 'degraded',
    word: openWord(item),
    sentence: openSentence(item),
  };
}
