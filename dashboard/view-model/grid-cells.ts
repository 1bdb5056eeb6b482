// Owns the grid as the page adds it up from the nodes that it knows: which runtimes are in a cell, and what the cell says.
// The sums and their words are the hub's own (contract/), so that this grid and GET /state/runtime_grid never differ.

import { cellKey, noSums, shareOf, sparse, type CellName, type Sums } from '../../contract/cell-sums.ts';
import { gridCell } from '../../contract/grid-cell.ts';
import type { GridCell } from '../../contract/grid.ts';
import type { MatrixItem } from '../../contract/read-models.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';

/** A node's last word, and whether it still counts. */
export type NodeWord = { item: MatrixItem; isStale: boolean };

export type CellRuntime = { node: string; record: RuntimeRecord; isStale: boolean };

/** `key` names the cell in addresses and lists. */
export type GridEntry = { key: string; cell: GridCell; runtimes: CellRuntime[] };

type Gathering = { name: CellName; sums: Sums; runtimes: CellRuntime[]; nodes: Set<string> };

/** What one runtime adds to one cell. */
type Part = { key: string; name: CellName; adds: (readonly [keyof Sums, number])[]; runtime: CellRuntime };

/** Every cell of these nodes, in the order of their keys. */
export function gridEntries(nodes: Iterable<NodeWord>): GridEntry[] {
  const cells = new Map<string, Gathering>();
  for (const word of nodes) gatherNode(cells, word);
  return [...cells]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { name, sums, runtimes }]) => ({ key, cell: gridCell({ name, sums }), runtimes }));
}

function gatherNode(cells: Map<string, Gathering>, word: NodeWord): void {
  const { target } = word.item;
  for (const { key, name, adds, runtime } of partsOf(word)) {
    const cell = cells.get(key) ?? { name, sums: noSums(), runtimes: [], nodes: new Set() };
    cells.set(key, cell);
    for (const [figure, value] of adds) cell.sums[figure] += value;
    if (!cell.nodes.has(target)) {
      cell.nodes.add(target);
      cell.sums.nodes += 1;
      if (word.isStale) cell.sums.stale_nodes += 1;
    }
    cell.runtimes.push(runtime);
  }
}

/** A word is never changed, and most nodes have said nothing new since the last look. */
const KNOWN = new WeakMap<MatrixItem, { isStale: boolean; parts: Part[] }>();

function partsOf({ item, isStale }: NodeWord): Part[] {
  const known = KNOWN.get(item);
  if (known?.isStale === isStale) return known.parts;
  const parts = (item.runtimes ?? []).flatMap((record) => {
    const { sums, cells } = shareOf(record, item.accelerators ?? [], isStale);
    const adds = Object.entries(sparse(sums)).flatMap(([figure, value]) =>
      isFigure(figure, sums) ? [[figure, value] as const] : [],
    );
    const runtime = { node: item.target, record, isStale };
    return cells.map(({ name, model }): Part => ({
      key: cellKey(name),
      name,
      adds: model === undefined ? adds : [...adds, [`model_${model}`, 1]],
      runtime,
    }));
  });
  KNOWN.set(item, { isStale, parts });
  return parts;
}

function isFigure(name: string, sums: Sums): name is keyof Sums {
  return name in sums;
}
