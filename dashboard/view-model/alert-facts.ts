// Owns the shapes of an alert on the page and of what is open, what is said aloud of that, and of an attempt to come.

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

function isOfSame(one: AlertItem, other: AlertItem): boolean {
  return one.kind === other.kind && one.node === other.node && one.runtime === other.runtime;
}

/** More are counted: a list of all is on the page. */
const SPOKEN_MAX = 3;

/** What began and what ended between two looks, to be said aloud. Undefined where nothing did. */
export function openingNews(before: readonly Alert[], now: readonly Alert[]): string | undefined {
  const earlier = new Map(before.map((alert) => [alert.id, alert]));
  const said = now.flatMap((alert) => {
    const was = earlier.get(alert.id)?.open ?? [];
    const began = alert.open.filter(({ key }) => was.every((item) => item.key !== key));
    // What goes on as another opening of the same is told as that one alone.
    const ended = was.filter((item) => alert.open.every((one) => !isOfSame(one, item)));
    return [
      ...began.map((item) => `${openWord(item)} ${openSentence(item)}`),
      ...ended.map((item) => `RESOLVED ${openSentence(item)}`),
    ];
  });
  // Several alerts may tell of the same.
  const once = [...new Set(said)];
  if (once.length === 0) return undefined;
  const left = once.length - SPOKEN_MAX;
  return [...once.slice(0, SPOKEN_MAX), ...(left > 0 ? [`and ${left} more`] : [])].join('; ');
}

export function openWords(item: AlertItem): { shape: Shape; word: string; sentence: string } {
  return {
    shape: item.severity === 'error' ? 'error' : 'degraded',
    word: openWord(item),
    sentence: openSentence(item),
  };
}
