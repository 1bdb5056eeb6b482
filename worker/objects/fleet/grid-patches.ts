// Owns the patches of the grid, made only while somebody subscribes to them, at most one in 250 ms. The grid adds up all
// shards, so none of them could patch it: they tell Fleet of their cells, whose number does not grow with the nodes. A read
// that is made meanwhile is made of what the last patch led to.

import type { EventDraft, PatchOperation } from '../../../contract/events.ts';
import type { GridCell, GridTotals } from '../../../contract/grid.ts';
import { CUT_WINDOW_MS, nextVersion } from '../../domain/cut.ts';
import { isoTime } from '../../domain/freshness.ts';
import { PATCH_MAX_LENGTH, WATCH_AGAIN_MS } from '../../domain/watch.ts';
import type { CellCut } from '../rpc.ts';
import { GridMirror } from './grid-mirror.ts';

/** What patches of the grid call whoever makes them: there is one for all shards. */
export const GRID_SHARD = 'fleet';

/** The grid at the version that the next patch begins with. */
export type ToldGrid = { version: number; cells: GridCell[]; totals: GridTotals };

export type GridPatchesOptions = {
  shards: number;
  isWatched: () => boolean;
  /** The cells of these shards. @throws where one cannot be reached. */
  ask: (shards: readonly number[]) => Promise<CellCut[]>;
  tell: (draft: EventDraft, now: number) => void;
};

export class GridPatches {
  readonly #options: GridPatchesOptions;
  #mirror: GridMirror | undefined;
  #version = 0;
  #at = 0;
  #isWaiting = false;

  constructor(options: GridPatchesOptions) {
    this.#options = options;
  }

  /** Somebody subscribes. What an isolate had asked for before may be shown for the cut window: then it is told. */
  begin(now: number): void {
    if (this.#mirror?.grid === undefined) this.#lookAt(now + CUT_WINDOW_MS, now);
  }

  /** A shard tells what its cells are now. */
  hear(index: number, cut: CellCut, now: number): void {
    if (!this.#options.isWatched()) return this.#stop();
    this.#mirror ??= new GridMirror(this.#options.shards);
    this.#mirror.hear(index, cut);
    this.#lookAt(Math.min(this.#at, now) + CUT_WINDOW_MS, now);
  }

  /** What a read of everything shows; undefined where nobody patches it. @param cuts of all shards, in their order. */
  read(cuts: readonly CellCut[], now: number): ToldGrid | undefined {
    if (!this.#options.isWatched() || cuts.length !== this.#options.shards) return undefined;
    this.#mirror ??= new GridMirror(this.#options.shards);
    for (const [index, cut] of cuts.entries()) this.#mirror.take(index, cut);
    this.#advance(this.#mirror, now);
    const { grid } = this.#mirror;
    return grid && { version: this.#version, ...grid };
  }

  #lookAt(at: number, now: number): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => void this.#look(), Math.max(0, at - now));
  }

  async #look(): Promise<void> {
    let againMs: number | undefined;
    try {
      await this.#advanceAll();
    } catch (error) {
      console.error('Could not ask every shard for its cells; trying again', error);
      againMs = WATCH_AGAIN_MS;
    }
    this.#isWaiting = false;
    if (againMs !== undefined) this.#lookAt(againMs, 0);
  }

  /** Shards that have told nothing in this life are asked. */
  async #advanceAll(): Promise<void> {
    if (!this.#options.isWatched()) return this.#stop();
    const mirror = (this.#mirror ??= new GridMirror(this.#options.shards));
    const { missing } = mirror;
    const cuts = missing.length === 0 ? [] : await this.#options.ask(missing);
    for (const [at, index] of missing.entries()) {
      const cut = cuts[at];
      if (cut !== undefined) mirror.take(index, cut);
    }
    if (mirror === this.#mirror) this.#advance(mirror, Date.now());
  }

  #advance(mirror: GridMirror, now: number): void {
    const patch = mirror.advance();
    this.#at = now;
    if (patch?.length === 0) return;
    const base = this.#version;
    this.#version = nextVersion(base, now);
    // Whoever has an earlier version than the first of this life has to load again.
    this.#options.tell(this.#draft(patch === undefined ? this.#version : base, patch ?? [], now), now);
  }

  #draft(base: number, patch: PatchOperation[], now: number): EventDraft {
    const isLong = JSON.stringify(patch).length > PATCH_MAX_LENGTH;
    return {
      time: isoTime(now),
      kind: 'state.read.model.patch',
      payload: {
        id: 'runtime_grid',
        shard: GRID_SHARD,
        // One that begins where it ends is contained in what has got there, and fits nothing else.
        base: isLong ? this.#version : base,
        version: this.#version,
        patch: isLong ? [] : patch,
      },
    };
  }

  #stop(): void {
    this.#mirror = undefined;
  }
}
