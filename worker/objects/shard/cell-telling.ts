// Owns what a shard tells Fleet of its cells: all of them, when they have changed, at most once in 250 ms, and only while
// somebody subscribes to patches. What is lost is told with the next change, since each telling is the whole.

import { CUT_WINDOW_MS } from '../../domain/cut.ts';
import type { CutName } from '../../domain/etag.ts';
import type { Place } from '../../domain/shard-of.ts';
import type { CellCut, FleetRpc } from '../rpc.ts';

const TELL_AGAIN_MS = 1000;

export type CellTellingOptions = {
  place: Place;
  fleet: () => Pick<FleetRpc, 'hearCells'>;
  isWatched: (now: number) => boolean;
  cut: (now: number) => CellCut;
};

export class CellTelling {
  readonly #options: CellTellingOptions;
  #told: CutName | undefined;
  #isWaiting = false;
  #isTelling = false;

  constructor(options: CellTellingOptions) {
    this.#options = options;
  }

  /** Something that a cell shows may have changed. */
  touched(now: number): void {
    if (this.#options.isWatched(now)) this.#lookIn(CUT_WINDOW_MS);
  }

  #lookIn(ms: number): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => {
      this.#isWaiting = false;
      void this.#look(Date.now());
    }, ms);
  }

  async #look(now: number): Promise<void> {
    if (!this.#options.isWatched(now)) return;
    if (this.#isTelling) return this.#lookIn(CUT_WINDOW_MS);
    const cut = this.#options.cut(now);
    // One that was made for somebody else before may lack what has changed since.
    if (cut.showableMs < CUT_WINDOW_MS) this.#lookIn(cut.showableMs);
    if (cut.name.version === this.#told?.version) return;
    this.#isTelling = true;
    try {
      await this.#options.fleet().hearCells(this.#options.place, cut);
      this.#told = cut.name;
    } catch (error) {
      console.error('Could not tell Fleet of the cells; trying again', error);
      this.#lookIn(TELL_AGAIN_MS);
    } finally {
      this.#isTelling = false;
    }
  }
}
