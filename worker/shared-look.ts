// Owns that all who look at the same thing at the same moment ask the objects once, where what they look at is plain data.

import { Waiting } from './waiting.ts';

export type Look = { until: number };

/** Who looks, and a way to go on for the others where this one does not wait to the end. */
export type Looker = { waitUntil: (work: Promise<unknown>) => void };

export class SharedLook<T extends Look> {
  #kept: T | undefined;
  #asking: Waiting<T> | undefined;

  /** @param ask is told the time before the question: what the way takes counts against how long it may be shown. */
  async look(looker: Looker, ask: (now: number) => Promise<T>): Promise<T> {
    const now = Date.now();
    if (this.#kept !== undefined && now < this.#kept.until) return this.#kept;
    if (this.#asking?.isPromising(now) === true) {
      return (await this.#asking.told()) ?? this.#keep(ask(Date.now()));
    }
    const asking = new Waiting<T>(now);
    this.#asking = asking;
    const answer = this.#keep(ask(now));
    const tell = (look: T | undefined): void => {
      if (this.#asking === asking) this.#asking = undefined;
      asking.tell(look);
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
