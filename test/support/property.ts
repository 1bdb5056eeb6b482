// Owns how properties are checked: with a seed that is told even when all goes well, and that can be given.

import * as fc from 'fast-check';

/** `FC_SEED=<number>` repeats a run. On failure fast-check tells the seed and the path of the smallest example. */
const SEED = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 0x7fffffff));

/** @throws where an example breaks the property. */
export function holds<T>(property: fc.IProperty<T>, numRuns = 500): void {
  process.stdout.write(`fast-check: ${numRuns} runs, FC_SEED=${SEED}\n`);
  fc.assert(property, { seed: SEED, numRuns });
}

/** As `holds`, for a property that takes its time. */
export async function holdsLater<T>(property: fc.IAsyncProperty<T>, numRuns = 500): Promise<void> {
  process.stdout.write(`fast-check: ${numRuns} runs, FC_SEED=${SEED}\n`);
  await fc.assert(property, { seed: SEED, numRuns });
}
