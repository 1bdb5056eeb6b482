// Owns the table of the grid. On a narrow screen its rows become cards by style alone: the roles are written out, since a
// table that is not laid out as one loses them.

import type { GridEntry } from '../view-model/grid-cells.ts';
import {
  loadWords,
  cellPace,
  readyWords,
  shapeOf,
  statusWord,
  type GridTable,
} from '../view-model/grid-table.ts';
import { hashOf } from '../view-model/route.ts';
import { route } from '../model/location.ts';
import { Bar } from './bar.tsx';
import { Status } from './status-icon.tsx';

type Props = { table: GridTable; chosen: string | undefined };

export function GridTableView({ table: { hardware, rows }, chosen }: Props) {
  return (
    // It may be wider than the screen: then it scrolls by itself, also by keyboard.
    <div class="grid-scroll" role="region" aria-label="Models by hardware" tabIndex={0}>
      <table class="grid" role="table">
        <caption class="unseen">
          Models by hardware. Each entry is one sandbox, and leads to its runtimes.
        </caption>
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">
              Model
            </th>
            {hardware.map((name) => (
              <th key={name} role="columnheader" scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map(({ model, label, fields }) => (
            <tr key={model} role="row">
              <th role="rowheader" scope="row" title={model}>
                {label}
                {label !== model && <small>{model}</small>}
              </th>
              {fields.map((entries, index) => (
                <td key={hardware[index]} role="cell" class={entries.length === 0 ? 'none' : undefined}>
                  {entries.map((entry) => (
                    <Cell key={entry.key} entry={entry} isChosen={entry.key === chosen} />
                  ))}
                  {entries.length === 0 && <span class="unseen">not here</span>}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ entry: { cell }, isChosen }: { entry: GridEntry; isChosen: boolean }) {
  const { model = '', hardware, sandbox = '' } = cell;
  const shape = shapeOf(cell);
  return (
    <a
      class={`cell is-${shape}`}
      href={hashOf({ view: 'grid', parameters: { ...route.value.parameters, model, hardware, sandbox } })}
      aria-current={isChosen ? 'true' : undefined}
    >
      <span class="top-line">
        <Status shape={shape} word={statusWord(cell)} />
        {cell.runtimes > 1 && <span class="count">{readyWords(cell)}</span>}
      </span>
      <span class="where">{hardware}</span>
      <Bar ratio={cell.load_ratio} />
      <span class="figures">
        <span class={cell.load_ratio === undefined ? 'muted' : undefined}>{loadWords(cell)}</span>
        <span class={cell.predicted_tokens_per_second === undefined ? 'muted' : undefined}>
          {cellPace(cell)}
        </span>
      </span>
      {sandbox !== '' && (
        <span class="sandbox">{sandbox === 'none' ? 'no sandbox' : `sandbox ${sandbox}`}</span>
      )}
    </a>
  );
}
