// Owns a shard's part of the grid: made when somebody looks, at most once in a cut window, from what has changed since.

import { CellBook, type LastSaid } from '../../domain/cell-book.ts';
import { CUT_WINDOW_MS, nextVersion } from '../../domain/cut.ts';
import { isAt, type Place } from '../../domain/shard-of.ts';
import type { CellCut } from '../rpc.ts';

type Made = { cut: Omit<CellCut, 'showableMs' | 'isWatched'>; revision: number; lookedAt: number };

export class CellCuts {
  readonly #ttlSeconds: number;
  readonly #epoch = crypto.randomUUID().slice(0, 8);
  /** Of the last place that was asked for: another one comes with another number of shards. */
  #book = new CellBook();
  #place: Place | undefined;
  #version = 0;
  #made: Made | undefined;

  constructor(ttlSeconds: number) {
    this.#ttlSeconds = ttlSeconds;
  }

  /** @param nodes those that live at the place, and perhaps others. */
  cut(nodes: Iterable<LastSaid>, place: Place, now: number): Omit<CellCut, 'isWatched'> {
    if (place.index !== this.#place?.index || place.shards !== this.#place.shards) {
      this.#book = new CellBook();
      this.#place = place;
      this.#made = undefined;
    }
    const age = now - (this.#made?.lookedAt ?? -Infinity);
    if (this.#made !== undefined && age >= 0 && age < CUT_WINDOW_MS) {
      return { ...this.#made.cut, showableMs: CUT_WINDOW_MS - age };
    }
    const time = { ttlSeconds: this.#ttlSeconds, now };
    this.#book.sync(nodes, (node) => isAt(node, place), time);
    this.#made = this.#named(now);
    return { ...this.#made.cut, showableMs: CUT_WINDOW_MS };
  }

  /** The same sums keep their name, so that a reader who has them is told so. */
  #named(now: number): Made {
    const { revision } = this.#book;
    if (this.#made?.revision === revision) return { ...this.#made, lookedAt: now };
    this.#version = nextVersion(this.#version, now);
    const name = { epoch: this.#epoch, version: this.#version };
    return { cut: { name, at: now, report: this.#book.report() }, revision, lookedAt: now };
  }
}
