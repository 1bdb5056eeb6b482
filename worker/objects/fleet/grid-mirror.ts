// Owns the grid as those who patch it have it: what the shards last said of their cells, what that adds up to, and what
// turns the one into the other. It knows no clock and tells nobody.

import { cellKey, isSameSums, type Sums } from '../../../contract/cell-sums.ts';
import type { PatchOperation } from '../../../contract/events.ts';
import { gridCell } from '../../../contract/grid-cell.ts';
import type { GridCell, GridTotals } from '../../../contract/grid.ts';
import { merged } from '../../domain/cell-book.ts';
import { gridTotals } from '../../domain/grid.ts';
import { diff } from '../../json-patch.ts';
import type { CellCut } from '../rpc.ts';

/** What a shard said, and which of its cuts that was. */
export type SaidCells = Pick<CellCut, 'name' | 'report'>;

type Entry = { sums: Sums; cell: GridCell };

export class GridMirror {
  readonly #shards: number;
  readonly #said = new Map<number, SaidCells>();
  #entries = new Map<string, Entry>();
  #totals: GridTotals | undefined;

  constructor(shards: number) {
    this.#shards = shards;
  }

  /** Those of which nothing is known. */
  get missing(): number[] {
    return Array.from({ length: this.#shards }, (_, index) => index).filter(
      (index) => !this.#said.has(index),
    );
  }

  /** Takes what is newer than what is known: a reader may bring what its shard has told since, or told long ago. */
  take(index: number, said: SaidCells): void {
    const before = this.#said.get(index)?.name;
    if (before !== undefined && said.name.version <= before.version) return;
    this.#said.set(index, said);
  }

  /** As `take`, from the shard itself: another life of it counts anew, whatever its clock says. */
  hear(index: number, said: SaidCells): void {
    if (this.#said.get(index)?.name.epoch !== said.name.epoch) this.#said.delete(index);
    this.take(index, said);
  }

  /** What is told; cells in the order of their names. Undefined before the first `advance`. */
  get grid(): { cells: GridCell[]; totals: GridTotals } | undefined {
    const totals = this.#totals;
    return totals && { cells: [...this.#entries.values()].map(({ cell }) => cell), totals };
  }

  /** Makes it what the shards said last; the answer turns what it was into that. Undefined where it was nothing yet. */
  advance(): PatchOperation[] | undefined {
    const before = this.#entries;
    const totalsBefore = this.#totals;
    const { total, cells } = merged([...this.#said.values()].map(({ report }) => report));
    this.#entries = new Map(
      cells.map(({ name, sums }) => {
        const key = cellKey(name);
        const known = before.get(key);
        const isSame = known !== undefined && isSameSums(known.sums, sums);
        return [key, isSame ? known : { sums, cell: gridCell({ name, sums }) }];
      }),
    );
    this.#totals = gridTotals(total, cells.length);
    if (totalsBefore === undefined) return undefined;
    return [...cellsPatch(before, this.#entries), ...diff(totalsBefore, this.#totals, '/totals')];
  }
}

/** Both are in the order of their keys, so what comes and goes is one operation wherever it stands. */
function cellsPatch(before: ReadonlyMap<string, Entry>, after: ReadonlyMap<string, Entry>): PatchOperation[] {
  const patch: PatchOperation[] = [];
  let at = 0;
  for (const key of [...new Set([...before.keys(), ...after.keys()])].toSorted((a, b) => (a < b ? -1 : 1))) {
    const old = before.get(key);
    const entry = after.get(key);
    const path = `/cells/${at}`;
    if (entry === undefined) {
      patch.push({ op: 'remove', path });
      continue;
    }
    if (old === undefined) patch.push({ op: 'add', path, value: entry.cell });
    else if (old !== entry) patch.push(...diff(old.cell, entry.cell, path));
    at += 1;
  }
  return patch;
}
