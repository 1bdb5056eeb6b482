// Owns the grid as the page adds it up from the nodes that it knows: which runtimes are in a cell, and what the cell says.
// The sums and their words are the hub's own (contract/), so that this grid and GET /state/runtime_grid never differ.

import { addTo, cellKey, noSums, shareOf, type CellName, type Sums } from '../../contract/cell-sums.ts';
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

/** Every cell of these nodes, in the order of their keys. */
export function gridEntries(nodes: Iterable<NodeWord>): GridEntry[] {
  const cells = new Map<string, Gathering>();
  for (const word of nodes) gatherNode(cells, word);
  return [...cells]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { name, sums, runtimes }]) => ({ key, cell: gridCell({ name, sums }), runtimes }));
}

function gatherNode(cells: Map<string, Gathering>, { item, isStale }: NodeWord): void {
  for (const record of item.runtimes ?? []) {
    const share = shareOf(record, item.accelerators ?? [], isStale);
    for (const { name, model } of share.cells) {
      const key = cellKey(name);
      const cell = cells.get(key) ?? { name, sums: noSums(), runtimes: [], nodes: new Set() };
      cells.set(key, cell);
      addTo(cell.sums, share.sums);
      if (model !== undefined) cell.sums[`model_${model}`] += 1;
      if (!cell.nodes.has(item.target)) {
        cell.nodes.add(item.target);
        cell.sums.nodes += 1;
        if (isStale) cell.sums.stale_nodes += 1;
      }
      cell.runtimes.push({ node: item.target, record, isStale });
    }
  }
}
