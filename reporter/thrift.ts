// Owns what V8 is told at the start: this program idles for months beside somebody's models, and what it takes they lack.

import { setFlagsFromString } from 'node:v8';

// The nursery of new objects stays at its first size: V8 doubles it up to 16 MB while a program starts, and one that
// then idles never gives that back.
setFlagsFromString('--semi-space-growth-factor=1');

/**
 * Forgoes the optimizing compiler: 6 MB of resident code and some MB of its own memory, for functions that run a few
 * times a second and are well served by the quick compiler. To be called before any work, and not where a gateway will
 * carry streams: what the quick compiler has made is not made again.
 */
export function expectToIdle(): void {
  setFlagsFromString('--no-opt');
}
