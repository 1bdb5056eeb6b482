// Owns the doubt about a runtime at rest: it answers, but does it still give a token? Silence between two probes says
// nothing; only a token ends a doubt.

/** How asking an idle model for one token ended. */
export type IdleProbeNews = { kind: 'answered' } | { kind: 'unanswered'; reason: string };

/** Idle probes in a row that gave no token, and why the last one did not. */
export type IdleDoubt = { failures: number; reason: string };

/** One probe without a token is noise, two in a row are a finding. */
const FINDING_AFTER_FAILURES = 2;

export function doubtAfter(
  before: IdleDoubt | undefined,
  probe: IdleProbeNews | undefined,
): IdleDoubt | undefined {
  if (probe === undefined) return before;
  if (probe.kind === 'answered') return undefined;
  return { failures: (before?.failures ?? 0) + 1, reason: probe.reason };
}

/** The sentence about an idle model that gives no token; undefined while that may be noise. */
export function idleProbeWords(doubt: IdleDoubt | undefined): string | undefined {
  if (doubt === undefined || doubt.failures < FINDING_AFTER_FAILURES) return undefined;
  return `Idle probe failing (${doubt.reason})`;
}
