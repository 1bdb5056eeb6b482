// Owns the grid as a signal: added up again a few times a second at most, however many nodes speak.

import { effect, signal, type ReadonlySignal } from '@preact/signals';
import { gridEntries, type GridEntry, type NodeWord } from '../view-model/grid-cells.ts';
import { nodeNames, nodeOf } from './fleet.ts';

/** Quicker than anybody reads a figure, and slow enough that a thousand nodes cost little. */
const AGAIN_AFTER_MS = 250;
/** However large a fleet is, most of the time is left for whoever reads. */
const IDLE_SHARE = 10;

const current = signal<readonly GridEntry[]>([]);
export const grid: ReadonlySignal<readonly GridEntry[]> = current;

/** While somebody looks at it. @returns ends it. */
export function keepGrid(): () => void {
  let words: NodeWord[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isDue = false;
  const addUp = (): void => {
    isDue = false;
    const begunMs = performance.now();
    current.value = gridEntries(words);
    const costMs = performance.now() - begunMs;
    timer = setTimeout(
      () => {
        timer = undefined;
        if (isDue) addUp();
      },
      Math.max(AGAIN_AFTER_MS, costMs * IDLE_SHARE),
    );
  };
  const end = effect(() => {
    words = nodeNames.value.flatMap((name) => {
      const node = nodeOf(name);
      return node === undefined ? [] : [{ item: node.item.value, isStale: node.isSilent.value }];
    });
    isDue = true;
    if (timer === undefined) addUp();
  });
  return () => {
    end();
    clearTimeout(timer);
  };
}
