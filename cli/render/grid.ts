// Owns the table of `arw-cli grid`: models on hardware in sandboxes, with what all of it adds up to. What nobody told is
// left blank; it is never 0.

import type { Grid, GridCell } from '../../contract/grid.ts';
import { RUNTIME_STATES, stateLabel } from '../../contract/words.ts';
import { kept, paragraph, styled, type Line, type Words } from './line.ts';
import { styleOfCode } from './styles.ts';
import { table, type Column } from './table.ts';
import { toSeconds } from './time.ts';

/** A sandbox tells cells apart, unless it is the same everywhere. */
function columnsFor(cells: readonly GridCell[]): Column[] {
  const isSame = new Set(cells.map(({ sandbox }) => sandbox)).size < 2;
  return [
    { title: 'MODEL', min: 20, cut: 'inside' },
    { title: 'HARDWARE', min: 12, cut: 'wrap' },
    { title: 'SANDBOX', ...(isSame && { drop: 1 }) },
    { title: 'STATUS' },
    { title: 'READY', align: 'right' },
    { title: 'BUSY' },
    { title: 'TOK/S', align: 'right' },
    { title: 'ERRORS', align: 'right', drop: 2 },
    { title: 'LATENCY', align: 'right', drop: 3 },
  ];
}

export function renderGrid(grid: Grid, columns: number | undefined): Line[] {
  const head = headLines(grid).flatMap((text) => paragraph(text, columns));
  const notes = grid.cells.map(({ status }) => (status.code === 'ok' ? [] : status.detail));
  return [...head, ...table(columnsFor(grid.cells), grid.cells.map(rowOf), columns, notes)];
}

function headLines({ cells: shown, totals, ttl_seconds, updated }: Grid): string[] {
  const states = RUNTIME_STATES.flatMap((state) => {
    const count = totals.states[state] ?? 0;
    return count === 0 ? [] : [`${count} ${stateLabel(state).toLowerCase()}`];
  });
  const told = states.length === 0 ? '' : ` (${states.join(', ')})`;
  const { nodes, stale_nodes: stale, capacity, inflight, predicted_tokens_per_second: pace } = totals;
  const figures = [
    capacity === undefined ? undefined : `${inflight ?? 'unknown'} of ${capacity} slots busy`,
    pace === undefined ? undefined : kept(`${pace.toFixed(1)} tokens/s`),
    totals.restarts_remaining === undefined
      ? undefined
      : `${totals.restarts_remaining} of ${totals.restarts_max ?? 'unknown'} restarts left`,
  ].filter((figure) => figure !== undefined);
  const of = shown.length === totals.cells ? '' : ` of ${totals.cells}`;
  return [
    `Grid: ${shown.length}${of} ${totals.cells === 1 ? 'cell' : 'cells'}, as of ${toSeconds(updated)}`,
    [`Fleet: ${counted(totals.runtimes, 'runtime')}${told} on ${counted(nodes, 'node')}`, ...figures].join(
      ', ',
    ),
    `ttl_seconds ${ttl_seconds} (${stale === 0 ? 'no node past it' : `${counted(stale, 'node')} past it`})`,
    ...(totals.cells === 0 ? ['No runtime has been reported yet.'] : []),
  ];
}

function rowOf(cell: GridCell): Words[] {
  const { status, states, runtimes } = cell;
  const label = status.label.split(' - ')[0] ?? status.label;
  return [
    cell.model ?? '(no model told)',
    cell.hardware,
    cell.sandbox ?? '',
    styled(styleOfCode(status.code), cell.draining === 0 ? label : `${label}, ${cell.draining} draining`),
    `${states['ready'] ?? 0}/${runtimes}`,
    busyWords(cell),
    cell.predicted_tokens_per_second === undefined ? '' : cell.predicted_tokens_per_second.toFixed(1),
    cell.error_rate === undefined ? '' : `${(cell.error_rate * 100).toFixed(1)} %`,
    cell.latency_ms === undefined ? '' : `${Math.round(cell.latency_ms)} ms`,
  ];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** `2/4`, and `2/4 +1` where one waits. */
function busyWords({ capacity, inflight, queued }: GridCell): string {
  if (capacity === undefined && inflight === undefined) return '';
  const waiting = queued === undefined || queued === 0 ? '' : ` +${queued}`;
  return `${inflight ?? '?'}/${capacity ?? '?'}${waiting}`;
}
