// Owns when a stream counts as dead although nobody ended it: it was silent for longer than its other end ever is.

export class Silence {
  readonly #maxMs: number;
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Aborted once it was silent for too long. */
  readonly signal: AbortSignal = this.#abort.signal;

  constructor(maxMs: number) {
    this.#maxMs = maxMs;
    this.heard();
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(), this.#maxMs);
  }

  /** The stream is over: nothing is expected any more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
