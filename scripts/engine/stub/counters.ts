/**
 * Owns the stub's sums: those since the start, and the window that llama-server clears whenever `/metrics` is
 * read. They move when they do there: decode calls with each step, predicted tokens when a generation ends.
 */

interface Sums {
  promptTokens: number;
  promptMs: number;
  predictedTokens: number;
  predictedMs: number;
}

const noSums = (): Sums => ({ promptTokens: 0, promptMs: 0, predictedTokens: 0, predictedMs: 0 });

export class Counters {
  readonly total = noSums();
  decodeCalls = 0;
  busySlotsSum = 0;
  /** The longest sequence so far, prompt and answer. */
  longestTokens = 0;
  private window = noSums();

  decoded(busySlots: number): void {
    this.decodeCalls += 1;
    this.busySlotsSum += busySlots;
  }

  promptRead(tokens: number, promptMs: number): void {
    for (const sums of [this.total, this.window]) {
      sums.promptTokens += tokens;
      sums.promptMs += promptMs;
    }
  }

  generationEnded(promptTokens: number, predictedTokens: number, predictedMs: number): void {
    for (const sums of [this.total, this.window]) {
      sums.predictedTokens += predictedTokens;
      sums.predictedMs += predictedMs;
    }
    this.longestTokens = Math.max(this.longestTokens, promptTokens + predictedTokens);
  }

  /** The sums since this was last called. */
  takeWindow(): Readonly<Sums> {
    const taken = this.window;
    this.window = noSums();
    return taken;
  }
}
