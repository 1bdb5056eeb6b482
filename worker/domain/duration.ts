// Owns how a span of time is said to a person: one number, one unit, never more precise than it is useful.

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `75 s` below two minutes, `12 min` below two hours, `3 h` below two days, then `5 days`; rounded down. */
export function durationWords(durationMs: number): string {
  const spanMs = Math.max(0, durationMs);
  if (spanMs < 2 * MINUTE_MS) return `${Math.floor(spanMs / SECOND_MS)} s`;
  if (spanMs < 2 * HOUR_MS) return `${Math.floor(spanMs / MINUTE_MS)} min`;
  if (spanMs < 2 * DAY_MS) return `${Math.floor(spanMs / HOUR_MS)} h`;
  return `${Math.floor(spanMs / DAY_MS)} days`;
}
