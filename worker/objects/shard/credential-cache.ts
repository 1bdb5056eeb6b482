// Owns what a shard knows of who may speak for its nodes: asked of Fleet on first need, told by Fleet when it changes.

import type { Credentials } from '../../domain/credentials.ts';

/** Names that are not in the registry are remembered too, so that guessing does not load Fleet; but not without bound. */
const MAX_UNKNOWN = 1000;

export class CredentialCache {
  readonly #ask: (node: string) => Promise<Credentials | null>;
  readonly #known = new Map<string, Credentials>();
  readonly #unknown = new Set<string>();
  #changes = 0;

  constructor(ask: (node: string) => Promise<Credentials | null>) {
    this.#ask = ask;
  }

  /** Undefined where the node is not in the registry. */
  async get(node: string): Promise<Credentials | undefined> {
    for (;;) {
      if (this.#unknown.has(node)) return undefined;
      const known = this.#known.get(node);
      if (known !== undefined) return known;
      const before = this.#changes;
      const answer = await this.#ask(node);
      // What Fleet told meanwhile is newer than this answer may be.
      if (before === this.#changes) this.#keep(node, answer);
    }
  }

  /** True while these are still the ones that hold: what was awaited in between may have outlived them. */
  isCurrent(credentials: Credentials): boolean {
    return this.#known.get(credentials.node) === credentials;
  }

  set(node: string, credentials: Credentials | null): void {
    this.#changes += 1;
    this.#keep(node, credentials);
  }

  #keep(node: string, credentials: Credentials | null): void {
    if (credentials !== null) {
      this.#unknown.delete(node);
      this.#known.set(node, credentials);
      return;
    }
    this.#known.delete(node);
    if (this.#unknown.size >= MAX_UNKNOWN) this.#unknown.clear();
    this.#unknown.add(node);
  }
}
