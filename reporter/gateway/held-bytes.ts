// Owns how much of all requests' bodies is held at once, while nobody knows yet where they go.

/** Two of the largest, or a hundred with a picture: what every request may hold alone, a thousand may not together. */
export const HELD_MAX_BYTES = 128 * 1024 * 1024;

export class HeldBytes {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes = HELD_MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** One request's share of it. */
  share(): HeldShare {
    let shareBytes = 0;
    return {
      take: (bytes) => {
        if (this.#bytes + bytes > this.#maxBytes) return false;
        this.#bytes += bytes;
        shareBytes += bytes;
        return true;
      },
      free: () => {
        this.#bytes -= shareBytes;
        shareBytes = 0;
      },
    };
  }
}

export type HeldShare = {
  /** False where that is more than is left for all. */
  take(bytes: number): boolean;
  /** Gives all of it back. */
  free(): void;
};
