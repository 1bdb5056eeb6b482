// Owns what a session of a browser is worth: until when, and for requests from where.

export const SESSION_MS = 12 * 3_600_000;

/** Who judges a cookie may be another machine than who made it, with a clock that is behind. */
const CLOCK_SKEW_MS = 300_000;

/** What a cookie that was signed here says; undefined where it is over. A cookie of the future is none of ours. */
export function sessionUntil(value: string, now: number): number | undefined {
  const until = /^\d{1,16}$/.test(value) ? Number(value) : 0;
  return until > now && until <= now + SESSION_MS + CLOCK_SKEW_MS ? until : undefined;
}

/**
 * Browsers tell the site of a request where the way to us is encrypted or stays on the machine, and its origin wherever
 * it may change something. Who tells neither is no page of ours.
 */
export function isFromOwnPage({
  site,
  origin,
  host,
}: {
  site: string | undefined;
  origin: string | undefined;
  host: string;
}): boolean {
  if (site !== undefined && site !== 'same-origin') return false;
  if (origin !== undefined) return /^https?:\/\/([^/]+)$/.exec(origin)?.[1] === host;
  return site === 'same-origin';
}
