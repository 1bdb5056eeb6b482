// Owns what V8 is told: this program idles for months beside somebody's models, and what it takes they lack. Once it
// carries streams, they come first.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A collection takes about 20 ms: 0.07 % of a core. */
const COLLECT_EVERY_MS = 30_000;
const OPTIMIZERS = ['opt', 'maglev'];

// The nursery of new objects stays at its first size: V8 doubles it up to 16 MB while a program starts, and one that
// then idles never gives that back.
setFlagsFromString('--semi-space-growth-factor=1');

export type Thrift = {
  /** A request is carried: from the first one on the optimizing compilers are there for it. */
  noteWork(): void;
};

/**
 * To be called before any work. Forgoes the optimizing compilers: 6 MB of resident code, and some MB that their threads
 * never give back, for functions that run a few times a second and are well served by the baseline compiler. And collects
 * garbage by the clock, while nothing is carried: V8 would let a heap of 15 MB grow by 1 MB a minute first.
 */
export function expectToIdle(): Thrift {
  let hasWorked = false;
  let worked = false;
  for (const name of OPTIMIZERS) setFlagsFromString(`--no-${name}`);
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') {
    setInterval(() => {
      if (!worked) collect();
      worked = false;
    }, COLLECT_EVERY_MS).unref();
  }
  return {
    noteWork() {
      worked = true;
      if (hasWorked) return;
      hasWorked = true;
      for (const name of OPTIMIZERS) setFlagsFromString(`--${name}`);
    },
  };
}
