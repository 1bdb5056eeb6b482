// Owns the one alarm of an object: it is armed for the earliest deadline and only ever moved to an earlier time.

import { rearm } from '../domain/next-alarm.ts';

/** An alarm that finds nothing to do must not spin. */
const MIN_WAIT_MS = 100;

type AlarmStorage = { getAlarm(): Promise<number | null>; setAlarm(at: number): Promise<void> };

export class Alarm {
  readonly #storage: AlarmStorage;
  #armedFor: number | undefined;

  constructor(storage: AlarmStorage) {
    this.#storage = storage;
  }

  async load(): Promise<void> {
    this.#armedFor = (await this.#storage.getAlarm()) ?? undefined;
  }

  /** The alarm has fired: none is armed. */
  fired(): void {
    this.#armedFor = undefined;
  }

  /** Undefined where the armed one serves: a heartbeat waits for nothing. */
  armFor(deadline: number | undefined, now: number): Promise<void> | undefined {
    const wanted = deadline === undefined ? undefined : Math.max(deadline, now + MIN_WAIT_MS);
    const next = rearm(this.#armedFor, wanted);
    if (next === undefined) return undefined;
    this.#armedFor = next;
    return this.#storage.setAlarm(next);
  }
}
