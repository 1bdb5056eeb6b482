// Owns the hub's clock on this page: freshness is judged by it, and not by a clock that people may set. Between two words of
// the hub it goes on with the time since the page began, which nobody sets.

import { computed, signal, type ReadonlySignal } from '@preact/signals';

/** A node must be seen as silent at the moment at which it is, within what a person notices. */
const TICK_MS = 250;
/** So far apart the two clocks of this machine go when one was set, or one stood still while the machine slept. */
const JUMP_MS = 1000;
const ASK_AGAIN_MS = 5000;

let offsetMs = apartMs();
let knownApartMs = offsetMs;
/** When the hub must be asked again, and when it was last to be; both by `performance`. */
let doubtedAtMs: number | undefined;
let askedAtMs = 0;
let askHub: (() => void) | undefined;

const ticks = signal(hubTime());
setInterval(() => {
  watch();
  ticks.value = hubTime();
}, TICK_MS);

/** Changes four times a second: compute words of it, and draw those. */
export const hubNow: ReadonlySignal<number> = ticks;

/** The same, once a second: for words that count seconds. */
export const hubSecond: ReadonlySignal<number> = computed(() => Math.floor(ticks.value / 1000) * 1000);

/** Now, between two ticks too. */
export function hubTime(): number {
  return Math.round(performance.now() + offsetMs);
}

/** @param toldMs what the hub said between the two moments, by `performance`, at which it was asked and answered. */
export function setHubTime(toldMs: number, askedMs: number, answeredMs: number): void {
  offsetMs = toldMs - (askedMs + answeredMs) / 2;
  // An answer that was under way before the jump may be as old as the machine's sleep.
  if (doubtedAtMs !== undefined && askedMs >= doubtedAtMs) doubtedAtMs = undefined;
  ticks.value = hubTime();
}

/** @param ask is called when the time is in doubt, and again until the hub has told it. */
export function onDoubt(ask: () => void): void {
  askHub = ask;
}

function watch(): void {
  const now = performance.now();
  if (Math.abs(apartMs() - knownApartMs) > JUMP_MS) {
    knownApartMs = apartMs();
    doubtedAtMs = now;
    askedAtMs = -Infinity;
  }
  if (doubtedAtMs === undefined || now - askedAtMs < ASK_AGAIN_MS) return;
  askedAtMs = now;
  askHub?.();
}

function apartMs(): number {
  return Date.now() - performance.now();
}
