// Owns the cells of a shard as they are kept up: what a node adds is taken away and added anew when it has changed, so
// that a look costs what has changed since the last one, and a heartbeat costs nothing.

import type { Snapshot } from '../../contract/snapshot.ts';
import {
  addTo,
  cellKey,
  contributionOf,
  copied,
  type CellName,
  type CellSums,
  type Sums,
} from './cell-sums.ts';
import { isStale } from './freshness.ts';
import type { ViewTime } from './view.ts';

/** A node's last word. */
export type LastSaid = { snapshot: Snapshot; receivedAt: number };

/** The sums of some nodes, cells in the order of their keys: equal sums are equal texts. */
export type CellReport = { total: Sums; cells: CellSums[] };

type Cell = { key: string; name: CellName; sums: Sums };

/** What a node added, and the word that it came from: not the word itself, which would be kept alive by it. */
type Entry = {
  bootId: string;
  seq: number;
  receivedAt: number;
  isStale: boolean;
  round: number;
  total: Sums;
  parts: { cell: Cell; sums: Sums }[];
};

export class CellBook {
  readonly #entries = new Map<string, Entry>();
  readonly #cells = new Map<string, Cell>();
  readonly #total: Sums = {};
  #round = 0;

  /** Brings the book to what these nodes say now; all others leave it. @param isHere is asked of nodes that are not in it. */
  sync(nodes: Iterable<LastSaid>, isHere: (node: string) => boolean, { ttlSeconds, now }: ViewTime): void {
    this.#round += 1;
    for (const said of nodes) {
      const node = said.snapshot.target;
      const entry = this.#entries.get(node);
      if (entry !== undefined || isHere(node)) this.#set(said, entry, isStale(said, ttlSeconds, now));
    }
    for (const [node, entry] of this.#entries) {
      if (entry.round === this.#round) continue;
      this.#takeAway(entry);
      this.#entries.delete(node);
    }
  }

  report(): CellReport {
    return { total: copied(this.#total), cells: ordered(this.#cells) };
  }

  #set({ snapshot, receivedAt }: LastSaid, before: Entry | undefined, stale: boolean): void {
    const { boot_id: bootId, seq } = snapshot;
    if (before !== undefined) {
      before.round = this.#round;
      const isSame = before.seq === seq && before.receivedAt === receivedAt && before.bootId === bootId;
      if (isSame && before.isStale === stale) return;
      this.#takeAway(before);
    }
    const { total, cells } = contributionOf(snapshot, stale);
    addTo(this.#total, total);
    const parts = [...cells].map(([key, { name, sums }]) => {
      const cell = this.#cells.get(key) ?? { key, name, sums: {} };
      this.#cells.set(key, cell);
      addTo(cell.sums, sums);
      return { cell, sums };
    });
    const word = { bootId, seq, receivedAt, isStale: stale };
    this.#entries.set(snapshot.target, { ...word, round: this.#round, total, parts });
  }

  #takeAway({ total, parts }: Entry): void {
    addTo(this.#total, total, -1);
    for (const { cell, sums } of parts) {
      addTo(cell.sums, sums, -1);
      if (cell.sums.runtimes === undefined) this.#cells.delete(cell.key);
    }
  }
}

/** What several shards hold together. No node is in two of them. */
export function merged(reports: Iterable<CellReport>): CellReport {
  const total: Sums = {};
  const cells = new Map<string, CellSums>();
  for (const report of reports) {
    addTo(total, report.total);
    for (const { name, sums } of report.cells) {
      const key = cellKey(name);
      const cell = cells.get(key) ?? { name, sums: {} };
      addTo(cell.sums, sums);
      cells.set(key, cell);
    }
  }
  return { total: copied(total), cells: ordered(cells) };
}

function ordered(cells: ReadonlyMap<string, CellSums>): CellSums[] {
  return [...cells]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { name, sums }]) => ({ name, sums: copied(sums) }));
}
