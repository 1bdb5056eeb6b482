// A model that is to sleep when idle, at a server of each sort: what is asked while it rests, and what is known then.

import { describe, expect, test } from 'vitest';
import { ModelFigures, type Figures } from '../../reporter/backends/llama-figures.ts';
import { answer, captured } from '../support/http-answers.ts';

const SLEEP_MS = 60_000;
const LOOK_MS = 2_500;

/** A server with a sleep timer and a clock. */
class Sleeper {
  nowMs = 0;
  usedAtMs = 0;
  isBusy = false;
  asked: string[] = [];
  readonly metricsIsUse: boolean;
  readonly #figures: ModelFigures;

  constructor(metricsIsUse: boolean) {
    this.metricsIsUse = metricsIsUse;
    this.#figures = new ModelFigures({
      now: () => this.nowMs,
      sleepIdleMs: SLEEP_MS,
      learned: { metricsIsUse: false },
    });
  }

  get isAsleep(): boolean {
    return !this.isBusy && this.nowMs - this.usedAtMs >= SLEEP_MS;
  }

  /** One look, as the backend makes it; undefined while it sleeps. */
  async look(): Promise<Figures | undefined> {
    this.nowMs += LOOK_MS;
    this.asked = [];
    if (this.isAsleep) {
      this.#figures.away();
      return undefined;
    }
    return this.#figures.read({
      ask: (path) => Promise.resolve(this.#answer(path)),
      token: () => Promise.resolve({ kind: 'token' }),
    });
  }

  /** @returns how long it took to fall asleep, in ms. */
  async sleepUnderLooks(): Promise<number> {
    const sinceMs = this.nowMs;
    while ((await this.look()) !== undefined) {
      if (this.nowMs - sinceMs > 10 * SLEEP_MS) throw new Error('it never falls asleep');
    }
    return this.nowMs - sinceMs;
  }

  #answer(path: string) {
    this.asked.push(path);
    if (path === '/slots' || this.metricsIsUse) this.usedAtMs = this.nowMs;
    if (path === '/slots') return answer(captured(this.isBusy ? 'slots.busy.json' : 'slots.idle.json'));
    const processing = `llamacpp:requests_processing ${this.isBusy ? 1 : 0}`;
    return answer(captured('metrics.txt').replace(/^llamacpp:requests_processing .*$/m, processing));
  }
}

describe('where /metrics does not count as use', () => {
  test('it falls asleep in its own time, and its figures are known until then', async () => {
    const server = new Sleeper(false);
    expect(await server.look()).toMatchObject({ slots: { capacity: 4, busy: 0 } });
    expect(await server.look()).toMatchObject({ slots: { capacity: 4, busy: 0 }, queued: 0, notes: [] });
    expect(server.asked).toEqual(['/metrics']);
    expect(await server.sleepUnderLooks()).toBeLessThanOrEqual(SLEEP_MS);
  });
  test('work that begins while it rests is seen at the next look, with its slots', async () => {
    const server = new Sleeper(false);
    await server.look();
    server.isBusy = true;
    expect(await server.look()).toMatchObject({ slots: { busy: 1 }, work: { kind: 'busy', slots: 1 } });
    expect(server.asked).toContain('/slots');
  });
});

describe('where /metrics counts as use', () => {
  test('that is found out once, and then nothing is asked while it rests', async () => {
    const server = new Sleeper(true);
    await server.look();
    // Once it is kept awake by our own looks.
    expect(await server.sleepUnderLooks()).toBeLessThan(3 * SLEEP_MS);
    server.usedAtMs = server.nowMs;
    await server.look();
    expect(await server.look()).toMatchObject({
      pace: {},
      notes: ['Slots and pace are not asked for: the model may go to sleep'],
    });
    expect(server.asked).toEqual([]);
    expect(await server.sleepUnderLooks()).toBeLessThanOrEqual(SLEEP_MS + LOOK_MS);
  });
});
