// Owns counting over the last minutes in constant memory: a ring of buckets, each good for its own stretch of time. Pure;
// `nowMs` comes from a clock that does not run backwards.

/** What a node's status is judged by: long enough to mean something, short enough that a mended fault is forgiven. */
export const WINDOW_SECONDS = 300;
export const BUCKET_MS = 5_000;
const BUCKETS = (WINDOW_SECONDS * 1000) / BUCKET_MS;

export class HitWindow {
  /** Which stretch of time a bucket holds; an older one is as good as empty. */
  readonly #stretch = new Float64Array(BUCKETS).fill(-1);
  readonly #hits = new Float64Array(BUCKETS);
  readonly #errors = new Float64Array(BUCKETS);

  note(isError: boolean, nowMs: number): void {
    const stretch = Math.floor(nowMs / BUCKET_MS);
    const index = stretch % BUCKETS;
    if (this.#stretch[index] !== stretch) {
      this.#stretch[index] = stretch;
      this.#hits[index] = 0;
      this.#errors[index] = 0;
    }
    this.#hits[index] = (this.#hits[index] ?? 0) + 1;
    if (isError) this.#errors[index] = (this.#errors[index] ?? 0) + 1;
  }

  /** Over the stretch that is running and those before it: between 295 and 300 seconds. */
  sums(nowMs: number): { hits: number; errors: number } {
    const newest = Math.floor(nowMs / BUCKET_MS);
    let hits = 0;
    let errors = 0;
    for (const [index, stretch] of this.#stretch.entries()) {
      if (stretch <= newest - BUCKETS || stretch > newest) continue;
      hits += this.#hits[index] ?? 0;
      errors += this.#errors[index] ?? 0;
    }
    return { hits, errors };
  }
}
