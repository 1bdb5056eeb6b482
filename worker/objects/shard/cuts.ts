// Owns the ready-made views of a shard: cut when asked for, shown again while they are true or young enough.

import { nextVersion, showableMs, type CutState } from '../../domain/cut.ts';
import { fragmentsOf, type CutQuery } from '../../domain/fragment.ts';
import { expiresAt } from '../../domain/freshness.ts';
import { earliest } from '../../domain/next-alarm.ts';
import type { Place } from '../../domain/shard-of.ts';
import type { NodeView } from '../../domain/view.ts';
import type { Cut } from '../rpc.ts';

/** Filters make many views; the oldest one makes room. */
const MAX_CUTS = 32;

export class Cuts {
  readonly #ttlSeconds: number;
  readonly #onTouch: () => void;
  readonly #epoch = crypto.randomUUID().slice(0, 8);
  readonly #cuts = new Map<string, CutState & { cut: Cut }>();
  #version = 0;
  #revision = 0;

  /** @param onTouch hears of each `touch`. */
  constructor(ttlSeconds: number, onTouch: () => void) {
    this.#ttlSeconds = ttlSeconds;
    this.#onTouch = onTouch;
  }

  /** Something that a view shows has changed. */
  touch(): void {
    this.#revision += 1;
    this.#onTouch();
  }

  /** `views` are those of the nodes that live at the place. */
  cut(asked: { query: CutQuery; place: Place }, views: () => NodeView[], now: number): Cut {
    const key = JSON.stringify(asked);
    const before = this.#cuts.get(key);
    const showable = before && showableMs(before, this.#revision, now);
    if (before !== undefined && showable !== undefined) return { ...before.cut, showableMs: showable };
    const made = this.#make(asked.query, views(), now);
    this.#cuts.delete(key);
    this.#cuts.set(key, made);
    const [oldest] = this.#cuts.keys();
    if (this.#cuts.size > MAX_CUTS && oldest !== undefined) this.#cuts.delete(oldest);
    return made.cut;
  }

  #make(query: CutQuery, views: NodeView[], now: number): CutState & { cut: Cut } {
    this.#version = nextVersion(this.#version, now);
    const fragments = fragmentsOf(views, query, { ttlSeconds: this.#ttlSeconds, now });
    const ends = views.map((view) => expiresAt(view, this.#ttlSeconds));
    const state = {
      at: now,
      revision: this.#revision,
      turnsStaleAt: earliest(ends.filter((end) => end > now)),
      hasStale: ends.some((end) => end <= now),
    };
    const cut: Cut = {
      name: { epoch: this.#epoch, version: this.#version },
      at: now,
      showableMs: showableMs(state, this.#revision, now) ?? 0,
      fragment: fragments.map(({ text }) => text).join(','),
      ...(query.page && { page: fragments }),
    };
    return { ...state, cut };
  }
}
