// Owns what a shard knows of who may speak for its nodes: asked of Fleet on first need, told by Fleet when it changes.

import type { Credentials } from '../../domain/credentials.ts';

/** Names that are not in the registry are remembered too, so that guessing does not load Fleet; but not without bound. */
const MAX_UNKNOWN = 1000;

/** Asks Fleet. @param isOvertaken says whether Fleet has told something newer of the node meanwhile. */
export type AskFleet = (node: string, isOvertaken: (node: string) => boolean) => Promise<Credentials | null>;

export class CredentialCache {
  readonly #ask: AskFleet;
  readonly #known = new Map<string, Credentials>();
  readonly #unknown = new Set<string>();
  /** Of each question that is under way: the nodes that Fleet spoke of since. */
  readonly #overtaken = new Set<Set<string>>();

  constructor(ask: AskFleet) {
    this.#ask = ask;
  }

  /** Undefined where the node is not in the registry. */
  async get(node: string): Promise<Credentials | undefined> {
    for (;;) {
      if (this.#unknown.has(node)) return undefined;
      const known = this.#known.get(node);
      if (known !== undefined) return known;
      await this.during(async (isOvertaken) => {
        const answer = await this.#ask(node, isOvertaken);
        if (!isOvertaken(node)) this.#keep(node, answer);
      });
    }
  }

  /** Does what asks Fleet and must notice when Fleet speaks of a node meanwhile: that is newer than an answer may be. */
  async during<T>(work: (isOvertaken: (node: string) => boolean) => Promise<T>): Promise<T> {
    const overtaken = new Set<string>();
    this.#overtaken.add(overtaken);
    try {
      return await work((node) => overtaken.has(node));
    } finally {
      this.#overtaken.delete(overtaken);
    }
  }

  /** True where the node was found to live here, and was not handed over since. */
  has(node: string): boolean {
    return this.#known.has(node);
  }

  /** True while these are still the ones that hold: what was awaited in between may have outlived them. */
  isCurrent(credentials: Credentials): boolean {
    return this.#known.get(credentials.node) === credentials;
  }

  /** From Fleet. Whether a node that was not asked for yet lives here is not known: it is asked when it is needed. */
  tell(node: string, credentials: Credentials | null): void {
    this.#overtake(node);
    if (credentials === null || this.#known.has(node)) this.#keep(node, credentials);
    else this.#unknown.delete(node);
  }

  /** The node has another home: whoever speaks of it here next asks again. */
  drop(node: string): void {
    this.#overtake(node);
    this.#known.delete(node);
  }

  #overtake(node: string): void {
    for (const overtaken of this.#overtaken) overtaken.add(node);
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
