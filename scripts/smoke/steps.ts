// Owns the lines that a suite prints: one for each step, with its name, how it went and how long it took.

export type Step = <T>(name: string, act: () => Promise<T>) => Promise<T>;

export class Steps {
  readonly #write: (line: string) => void;
  readonly #startMs = performance.now();
  #count = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** Rethrows what `act` throws, after it was told. */
  readonly step: Step = async (name, act) => {
    const startMs = performance.now();
    const tell = (outcome: 'ok' | 'failed', reason = ''): void => {
      const ms = Math.round(performance.now() - startMs);
      this.#write(`  ${outcome.padEnd(6)}  ${name.padEnd(46)}  ${String(ms).padStart(6)} ms${reason}`);
    };
    this.#count += 1;
    try {
      const done = await act();
      tell('ok');
      return done;
    } catch (error) {
      tell('failed', `: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    }
  };

  get summary(): string {
    return `${this.#count} steps in ${((performance.now() - this.#startMs) / 1000).toFixed(1)} s`;
  }
}
