// Owns the grid on the page: a table of models by hardware, what to show of it, and the runtimes of the cell that the
// address names.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { cellKey } from '../../contract/cell-sums.ts';
import { grid, keepGrid } from '../model/grid.ts';
import { route } from '../model/location.ts';
import { EVERYTHING, filtered, gridTable, type GridFilter } from '../view-model/grid-table.ts';
import { GridDetail } from './grid-detail.tsx';
import { GridTableView } from './grid-table-view.tsx';

export function GridView() {
  useEffect(keepGrid, []);
  const entries = grid.value;
  const filter = useSignal<GridFilter>(EVERYTHING);
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = filtered(entries, filter.value);
  const table = gridTable(shown);
  const { model, hardware, sandbox } = route.value.parameters;
  const key =
    hardware === undefined
      ? undefined
      : cellKey({
          hardware,
          ...(model !== undefined && { model }),
          ...(sandbox !== undefined && { sandbox }),
        });
  const before = useRef(key);
  useEffect(() => {
    // What was closed takes the focus with it, unless it is given somewhere.
    if (key === undefined && before.current !== undefined) heading.current?.focus();
    before.current = key;
  }, [key]);
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        Grid
      </h1>
      <Tools filter={filter.value} set={(more) => (filter.value = { ...filter.value, ...more })} />
      <p class="feed-state" role="status">
        {countWords(shown.length, entries.length)}
      </p>
      {shown.length > 0 && <GridTableView table={table} chosen={key} />}
      {shown.length === 0 && entries.length > 0 && (
        <p class="empty">No cell fits: take a word out of the search, or show everything.</p>
      )}
      {key !== undefined && (
        <GridDetail
          key={key}
          entry={entries.find((entry) => entry.key === key)}
          name={{ model, hardware, sandbox }}
        />
      )}
    </>
  );
}

function countWords(shown: number, all: number): string {
  const cells = all === 1 ? '1 cell' : `${all} cells`;
  return shown === all ? cells : `${shown} of ${cells}`;
}

type ToolsProps = { filter: GridFilter; set: (more: Partial<GridFilter>) => void };

function Tools({ filter, set }: ToolsProps) {
  return (
    <div class="tools" role="group" aria-label="What to show">
      <label>
        Search{' '}
        <input
          type="search"
          value={filter.text}
          onInput={({ currentTarget }) => set({ text: currentTarget.value })}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={filter.status === 'attention'}
          onChange={({ currentTarget }) => set({ status: currentTarget.checked ? 'attention' : 'all' })}
        />
        Only what is not ready
      </label>
    </div>
  );
}
