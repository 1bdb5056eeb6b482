// Owns where an action under a key goes while nobody has begun it: who asks a second time at the same moment goes where the
// first one went, and finds its action there. What has begun is found by its row, so this may be in memory alone.

/** By far longer than an action takes to begin. */
const CLAIMED_FOR_MS = 30_000;

type Claim = { node: string; until: number };

export class KeyClaims {
  /** The oldest first. */
  readonly #claims = new Map<string, Claim>();

  /** The node that the first one chose who holds the key now. */
  claim(key: string, node: string, now: number): string {
    for (const [old, { until }] of this.#claims) {
      if (now < until) break;
      this.#claims.delete(old);
    }
    const first = this.#claims.get(key);
    if (first !== undefined) return first.node;
    this.#claims.set(key, { node, until: now + CLAIMED_FOR_MS });
    return node;
  }

  /** Nothing was begun at the node: whoever asks again may choose another one. */
  release(key: string, node: string): void {
    if (this.#claims.get(key)?.node === node) this.#claims.delete(key);
  }
}
