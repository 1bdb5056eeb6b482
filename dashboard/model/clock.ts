// Owns the hub's clock on this page: freshness is judged by it, and not by a clock that people may set.

import { computed, signal, type ReadonlySignal } from '@preact/signals';

/** A node must be seen as silent at the moment at which it is, within what a person notices. */
const TICK_MS = 250;

let offsetMs = 0;
const ticks = signal(Date.now());
setInterval(() => {
  ticks.value = hubTime();
}, TICK_MS);

/** Changes four times a second: compute words of it, and draw those. */
export const hubNow: ReadonlySignal<number> = ticks;

/** The same, once a second: for words that count seconds. */
export const hubSecond: ReadonlySignal<number> = computed(() => Math.floor(ticks.value / 1000) * 1000);

/** Now, between two ticks too. */
export function hubTime(): number {
  return Date.now() + offsetMs;
}

/** @param toldMs what the hub said between the two moments of this machine's clock at which it was asked and answered. */
export function setHubTime(toldMs: number, askedMs: number, answeredMs: number): void {
  offsetMs = toldMs - (askedMs + answeredMs) / 2;
  ticks.value = hubTime();
}
