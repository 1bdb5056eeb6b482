// Owns how requests of one isolate wait for what one of them asks the objects, so that the objects are asked once.

/** One who asks for others may be ended by the platform without a word; past this time they ask themselves. */
const WAIT_FOR_OTHER_MS = 1000;

/** What one request asks, and who waits for it to be told. */
export class Waiting<T> {
  readonly #since: number;
  readonly #waiting: ((told: T | undefined) => void)[] = [];

  constructor(now: number) {
    this.#since = now;
  }

  /** True while it is worth waiting for. */
  isPromising(now: number): boolean {
    return now - this.#since < WAIT_FOR_OTHER_MS;
  }

  /**
   * What the other request is told; undefined where it fails or ends. The promise is this request's own, and the platform
   * lets another one settle it; one that belongs to the other request would never settle once that has ended.
   */
  async told(): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    this.#waiting.push(resolve);
    const timer = setTimeout(resolve, WAIT_FOR_OTHER_MS, undefined);
    const told = await promise;
    clearTimeout(timer);
    return told;
  }

  tell(told: T | undefined): void {
    for (const resolve of this.#waiting) resolve(told);
  }
}
