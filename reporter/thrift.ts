// Owns what V8 is told at the start: this program idles for months beside somebody's models, and what it takes they lack.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A collection takes about 10 ms: 0.03 % of a core. */
const COLLECT_EVERY_MS = 30_000;

// The nursery of new objects stays at its first size: V8 doubles it up to 16 MB while a program starts, and one that
// then idles never gives that back.
setFlagsFromString('--semi-space-growth-factor=1');

/**
 * To be called before any work, and not where a gateway will carry streams.
 *
 * Forgoes the optimizing compiler: 6 MB of resident code, for functions that run a few times a second and are well
 * served by the quick compiler. And collects garbage by the clock: V8 would let a heap of 15 MB grow for an hour first.
 */
export function expectToIdle(): void {
  setFlagsFromString('--no-opt');
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') setInterval(() => void collect(), COLLECT_EVERY_MS).unref();
}
