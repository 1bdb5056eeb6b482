// Owns pace from counters: tokens per second of work over a sliding window. Counters are read, never reset.

export type TokenCounters = {
  promptTokens: number;
  promptSeconds: number;
  predictedTokens: number;
  predictedSeconds: number;
};

export type Pace = { promptTokensPerSecond?: number; predictedTokensPerSecond?: number };

/** Long enough to hold a chat that just ended, short enough to forget the one before. */
const WINDOW_MS = 60_000;

export class Throughput {
  #samples: { atMs: number; counters: TokenCounters }[] = [];

  /** Notes a reading. Counters that went back belong to another process: what was noted before is void. */
  note(counters: TokenCounters, atMs: number): void {
    const last = this.#samples.at(-1);
    if (
      last &&
      (counters.promptTokens < last.counters.promptTokens ||
        counters.predictedTokens < last.counters.predictedTokens)
    ) {
      this.#samples = [];
    }
    this.#samples.push({ atMs, counters });
    // One sample at or before the window's edge stays: differences start there.
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? atMs) <= atMs - WINDOW_MS)
      this.#samples.shift();
  }

  /** The pace over the window; a member is absent while no token of its sort was seen in it. */
  pace(): Pace {
    const first = this.#samples[0]?.counters;
    const last = this.#samples.at(-1)?.counters;
    if (first === undefined || last === undefined) return {};
    const prompt = perSecond(
      last.promptTokens - first.promptTokens,
      last.promptSeconds - first.promptSeconds,
    );
    const predicted = perSecond(
      last.predictedTokens - first.predictedTokens,
      last.predictedSeconds - first.predictedSeconds,
    );
    return {
      ...(prompt !== undefined && { promptTokensPerSecond: prompt }),
      ...(predicted !== undefined && { predictedTokensPerSecond: predicted }),
    };
  }

  reset(): void {
    this.#samples = [];
  }
}

function perSecond(tokens: number, seconds: number): number | undefined {
  if (!(tokens > 0) || !(seconds > 0)) return undefined;
  return Math.round((tokens / seconds) * 10) / 10;
}
