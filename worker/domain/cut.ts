// Owns how long a ready-made view may be shown: it is cut at most once in 250 ms, and again only when it would differ.

/** The promise of the read side: what is served is never older than this beyond what is true. */
export const CUT_WINDOW_MS = 250;

export type CutState = {
  at: number;
  /** The revision of the live state that was cut. */
  revision: number;
  /** When the first of its items is told in other words although nothing is said; undefined where there is none. */
  changesAt: number | undefined;
};

/** For how many milliseconds a cut may still be shown without asking again; undefined where it must be cut anew. */
export function showableMs(cut: CutState, revision: number, now: number): number | undefined {
  const age = now - cut.at;
  if (age < 0) return undefined;
  const isTrue = cut.revision === revision && (cut.changesAt === undefined || now < cut.changesAt);
  if (isTrue) return CUT_WINDOW_MS;
  return age < CUT_WINDOW_MS ? CUT_WINDOW_MS - age : undefined;
}

/** Grows with each cut, also across lives of the object: the clock has moved on more than the cuts. */
export function nextVersion(last: number, now: number): number {
  return Math.max(last + 1, now);
}
