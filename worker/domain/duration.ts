// Owns how a span of time is said to a person: one number, one unit, never more precise than it is useful.

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `75 s` below two minutes, `12 min` below two hours, `3 h` below two days, then `5 days`; rounded down. */
export function durationWords(durationMs: number): string {
  const { spanMs, unitMs, word } = said(durationMs);
  return `${Math.floor(spanMs / unitMs)} ${word}`;
}

/** The next longer span that is said in other words. */
export function nextWordsMs(durationMs: number): number {
  const { spanMs, unitMs } = said(durationMs);
  return (Math.floor(spanMs / unitMs) + 1) * unitMs;
}

function said(durationMs: number): { spanMs: number; unitMs: number; word: string } {
  const spanMs = Math.max(0, durationMs);
  if (spanMs < 2 * MINUTE_MS) return { spanMs, unitMs: SECOND_MS, word: 's' };
  if (spanMs < 2 * HOUR_MS) return { spanMs, unitMs: MINUTE_MS, word: 'min' };
  if (spanMs < 2 * DAY_MS) return { spanMs, unitMs: HOUR_MS, word: 'h' };
  return { spanMs, unitMs: DAY_MS, word: 'days' };
}
