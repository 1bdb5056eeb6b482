// Owns the cells of a shard as they are kept up: what a node adds is taken away and added anew when it has changed, so
// that a look costs what has changed since the last one, and a heartbeat costs nothing.

import type { Model } from '../../contract/runtime-record.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import {
  addTo,
  cellKey,
  isSameSums,
  noSums,
  shareOf,
  sparse,
  type CellName,
  type SparseSums,
  type Sums,
} from '../../contract/cell-sums.ts';
import { isStale, type Word } from './freshness.ts';
import type { ViewTime } from './view.ts';

/** A node's last word. */
export type LastSaid = Word & { snapshot: Snapshot };

/** The sums of some nodes, cells in the order of their keys. */
export type CellReport = { total: SparseSums; cells: { name: CellName; sums: SparseSums }[] };

export type Cell = { name: CellName; sums: Sums };
type KeptCell = Cell & { key: string };

type KeptShare = { sums: Sums; cells: { cell: KeptCell; model: Model['state'] | undefined }[] };

/** What a node added, and the word that it came from: not the word itself, which would be kept alive by it. */
type Entry = {
  bootId: string;
  seq: number;
  receivedAt: number;
  isStale: boolean;
  round: number;
  shares: KeptShare[];
};

export class CellBook {
  readonly #entries = new Map<string, Entry>();
  readonly #cells = new Map<string, KeptCell>();
  readonly #total = noSums();
  #round = 0;
  #revision = 0;

  /** Another one where a sum may be another. */
  get revision(): number {
    return this.#revision;
  }

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
      this.#count(entry, -1);
      this.#entries.delete(node);
    }
  }

  report(): CellReport {
    const cells = ordered(this.#cells).map(({ name, sums }) => ({ name, sums: sparse(sums) }));
    return { total: sparse(this.#total), cells };
  }

  #set({ snapshot, receivedAt }: LastSaid, before: Entry | undefined, stale: boolean): void {
    const { boot_id: bootId, seq } = snapshot;
    const isHeard = before?.seq === seq && before.receivedAt === receivedAt && before.bootId === bootId;
    if (isHeard && before.isStale === stale) {
      before.round = this.#round;
      return;
    }
    const shares = this.#sharesOf(snapshot, stale);
    const entry = { bootId, seq, receivedAt, isStale: stale, round: this.#round, shares };
    this.#entries.set(snapshot.target, entry);
    if (before !== undefined && isSameEntry(before, entry)) return;
    // First what is new, so that a cell that stays is not let go between.
    this.#count(entry, 1);
    if (before !== undefined) this.#count(before, -1);
  }

  #sharesOf(snapshot: Snapshot, stale: boolean): KeptShare[] {
    return snapshot.runtimes.map((record) => {
      const { sums, cells } = shareOf(record, snapshot.accelerators ?? [], stale);
      return { sums, cells: cells.map(({ name, model }) => ({ cell: this.#cell(name), model })) };
    });
  }

  #cell(name: CellName): KeptCell {
    const key = cellKey(name);
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    const cell = { key, name, sums: noSums() };
    this.#cells.set(key, cell);
    return cell;
  }

  #count({ isStale: stale, shares }: Entry, times: 1 | -1): void {
    this.#revision += 1;
    const seen = new Set<KeptCell>();
    addNode(this.#total, stale, times);
    for (const { sums, cells } of shares) {
      addTo(this.#total, sums, times);
      for (const { cell, model } of cells) {
        addTo(cell.sums, sums, times);
        if (model !== undefined) cell.sums[`model_${model}`] += times;
        if (!seen.has(cell)) addNode(cell.sums, stale, times);
        seen.add(cell);
        if (cell.sums.runtimes === 0) this.#cells.delete(cell.key);
      }
    }
  }
}

/** What several shards hold together. No node is in two of them. */
export function merged(reports: Iterable<CellReport>): { total: Sums; cells: Cell[] } {
  const total = noSums();
  const cells = new Map<string, Cell>();
  for (const report of reports) {
    addTo(total, report.total);
    for (const { name, sums } of report.cells) {
      const key = cellKey(name);
      const cell = cells.get(key) ?? { name, sums: noSums() };
      addTo(cell.sums, sums);
      cells.set(key, cell);
    }
  }
  return { total, cells: ordered(cells) };
}

function addNode(sums: Sums, stale: boolean, times: 1 | -1): void {
  sums.nodes += times;
  if (stale) sums.stale_nodes += times;
}

/** Most heartbeats of a node that rests: the word is another one, and says the same. */
function isSameEntry(a: Entry, b: Entry): boolean {
  return (
    a.isStale === b.isStale &&
    a.shares.length === b.shares.length &&
    a.shares.every(({ sums, cells }, index) => {
      const other = b.shares[index];
      return (
        other?.cells.length === cells.length &&
        cells.every(
          ({ cell, model }, at) => other.cells[at]?.cell === cell && other.cells[at].model === model,
        ) &&
        isSameSums(sums, other.sums)
      );
    })
  );
}

function ordered<Kept extends Cell>(cells: ReadonlyMap<string, Kept>): Kept[] {
  return [...cells].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, cell]) => cell);
}
