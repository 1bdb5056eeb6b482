// Owns the doubt about models at rest: their server answers, but do they still give a token? Silence between two probes
// says nothing; only a token ends a doubt, or the end of the model's process.

/** How asking an idle model for one token ended. `model` is left out where the server has only one. */
export type IdleProbeNews = { model?: string } & (
  | { kind: 'settled' }
  | { kind: 'unanswered'; reason: string }
);

/** Idle probes of one model in a row that gave no token, and why the last one did not. */
export type IdleDoubt = { model?: string; failures: number; reason: string };

/** One probe without a token is noise, two in a row are a finding. */
const FINDING_AFTER_FAILURES = 2;

export function doubtsAfter(
  before: readonly IdleDoubt[],
  news: readonly IdleProbeNews[],
): readonly IdleDoubt[] {
  let doubts = before;
  for (const probe of news) {
    const failures = doubts.find(({ model }) => model === probe.model)?.failures ?? 0;
    const others = doubts.filter(({ model }) => model !== probe.model);
    const { kind: _, ...told } = probe;
    doubts = 'reason' in told ? [...others, { ...told, failures: failures + 1 }] : others;
  }
  return doubts;
}

/** The sentence about an idle model that gives no token; undefined while that may be noise. */
export function idleProbeWords(doubts: readonly IdleDoubt[]): string | undefined {
  const finding = doubts.find(({ failures }) => failures >= FINDING_AFTER_FAILURES);
  return finding && `Idle probe${ofModel(finding)} failing (${finding.reason})`;
}

/** What may be noise, a line each. */
export function doubtLines(doubts: readonly IdleDoubt[]): string[] {
  return doubts.map((doubt) => `Last idle probe${ofModel(doubt)} failed (${doubt.reason})`);
}

function ofModel({ model }: IdleDoubt): string {
  return model === undefined ? '' : ` of ${model}`;
}
