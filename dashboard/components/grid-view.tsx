// Owns the grid on the page: a table of models by hardware, what to show of it, and the runtimes of the cell that the
// address names.

import { useLayoutEffect, useRef } from 'preact/hooks';
import { cellKey } from '../../contract/cell-sums.ts';
import { isLoaded, nodeNames } from '../model/fleet.ts';
import { grid, keepGrid } from '../model/grid.ts';
import { route, setParameters } from '../model/location.ts';
import { counted } from '../view-model/figures.ts';
import { filtered, gridTable } from '../view-model/grid-table.ts';
import { EmptyFleet } from './empty-fleet.tsx';
import { GridDetail } from './grid-detail.tsx';
import { GridTableView } from './grid-table-view.tsx';

export function GridView() {
  // Before anything is painted: a grid that is not added up yet says that there is none.
  useLayoutEffect(keepGrid, []);
  const heading = useRef<HTMLHeadingElement>(null);
  const { q: query = '', show = '', model, hardware, sandbox } = route.value.parameters;
  const key =
    hardware === undefined
      ? undefined
      : cellKey({
          hardware,
          ...(model !== undefined && { model }),
          ...(sandbox !== undefined && { sandbox }),
        });
  const before = useRef(key);
  useLayoutEffect(() => {
    // What was closed takes the focus with it, unless it is given somewhere.
    if (key === undefined && before.current !== undefined) heading.current?.focus();
    before.current = key;
  }, [key]);
  if (isLoaded.value && nodeNames.value.length === 0) return <EmptyFleet />;
  const entries = grid.value;
  const shown = filtered(entries, { query, show: show === 'attention' ? show : '' });
  return (
    <>
      <div class="tools">
        <h1 ref={heading} tabIndex={-1}>
          Grid
        </h1>
        <label class="unseen" for="search">
          Search the grid
        </label>
        <input
          id="search"
          type="search"
          placeholder="Search: model, device, node, runtime"
          value={query}
          onInput={({ currentTarget }) => setParameters({ q: currentTarget.value })}
        />
        <fieldset class="choice">
          <legend class="unseen">Show</legend>
          {Object.entries({ '': 'All', attention: 'Needs attention' }).map(([value, words]) => (
            <label key={value}>
              <input
                type="radio"
                name="show"
                checked={show === value}
                onChange={() => setParameters({ show: value })}
              />
              {words}
            </label>
          ))}
        </fieldset>
        <p class="count" role="status">
          {isLoaded.value ? countWords(shown.length, entries.length) : 'The fleet is being read …'}
        </p>
      </div>
      {shown.length > 0 && <GridTableView table={gridTable(shown)} chosen={key} />}
      {isLoaded.value && shown.length === 0 && <Nothing isFiltered={entries.length > 0} />}
      {key !== undefined && isLoaded.value && (
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
  return shown === all ? counted(all, 'cell') : `${shown} of ${counted(all, 'cell')}`;
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (!isFiltered) {
    return (
      <p class="empty">
        No node supervises a runtime: name one in its manifest, and it appears here by itself.
      </p>
    );
  }
  return (
    <p class="empty">
      No cell fits.{' '}
      <button type="button" onClick={() => setParameters({ q: '', show: '' })}>
        Show all
      </button>
    </p>
  );
}
