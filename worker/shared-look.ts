// Owns that all who look at the same thing at the same moment ask the objects once, where what they look at is plain data.

export type Look = { until: number };

/** Who looks, and a way to go on for the others where this one does not wait to the end. */
export type Looker = { waitUntil: (work: Promise<unknown>) => void };

type Asking<T> = { since: number; waiting: ((look: T | undefined) => void)[] };

/** One who asks for others may be ended by the platform without a word; past this time they ask themselves. */
const WAIT_FOR_OTHER_MS = 1000;

export class SharedLook<T extends Look> {
  #kept: T | undefined;
  #asking: Asking<T> | undefined;

  /** @param ask is told the time before the question: what the way takes counts against how long it may be shown. */
  async look(looker: Looker, ask: (now: number) => Promise<T>): Promise<T> {
    const now = Date.now();
    if (this.#kept !== undefined && now < this.#kept.until) return this.#kept;
    if (this.#asking !== undefined && now - this.#asking.since < WAIT_FOR_OTHER_MS) {
      return (await toldBy(this.#asking)) ?? this.#keep(ask(Date.now()));
    }
    const asking: Asking<T> = { since: now, waiting: [] };
    this.#asking = asking;
    const answer = this.#keep(ask(now));
    const tell = (look: T | undefined): void => {
      if (this.#asking === asking) this.#asking = undefined;
      for (const resolve of asking.waiting) resolve(look);
    };
    looker.waitUntil(answer.then(tell, () => tell(undefined)));
    return answer;
  }

  async #keep(asked: Promise<T>): Promise<T> {
    const look = await asked;
    this.#kept = look;
    return look;
  }
}

/**
 * What another request was told. The promise is this request's own, and the platform lets another one settle it; one
 * that belongs to the other request would never settle once that has ended.
 */
async function toldBy<T>({ waiting }: Asking<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<T | undefined>();
  waiting.push(resolve);
  const timer = setTimeout(resolve, WAIT_FOR_OTHER_MS, undefined);
  const told = await promise;
  clearTimeout(timer);
  return told;
}
