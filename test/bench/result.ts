// Owns what a bench answers with, and the quantiles that it may quote.

export type BenchResult = {
  /** Figures by name, units in the name. */
  figures: Record<string, number>;
  claims: { claim: string; held: boolean }[];
};

/** The same to a hundredth: where a millisecond is much. */
export function fineQuantile(samples: readonly number[], q: number): number {
  return Math.round(nearestRank(samples, q) * 100) / 100;
}

/** The value below which the share `q` of the samples lies (nearest rank). @throws where there are none. */
export function quantile(samples: readonly number[], q: number): number {
  return Math.round(nearestRank(samples, q) * 10) / 10;
}

/** The middle one, for figures of rounds that are compared with each other. */
export function median(figures: readonly number[], digits = 2): number {
  return Number(nearestRank(figures, 0.5).toFixed(digits));
}

function nearestRank(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
  if (value === undefined) throw new Error('nothing was measured');
  return value;
}
