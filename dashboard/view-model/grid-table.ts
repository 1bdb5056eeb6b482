// Owns the grid as a table: models down, hardware across, and in each field one entry for each sandbox. And the words of an
// entry: a status of one word, load and pace, each `unknown` where no runtime told it.

import type { GridCell } from '../../contract/grid.ts';
import type { StatusCode } from '../../contract/words.ts';
import { paceWords, UNKNOWN } from './figures.ts';
import type { GridEntry } from './grid-cells.ts';
import { isFound, type Shape } from './node-view.ts';

export const NO_MODEL = 'No model named';

export type GridRow = {
  /** The whole name, or what stands for none. */
  model: string;
  /** The last part of a path, without `.gguf`: what fits a column. */
  label: string;
  /** One list for each hardware of the table; empty where the model is not there. */
  fields: GridEntry[][];
};

export type GridTable = { hardware: string[]; rows: GridRow[] };

/** `attention`: what is not simply ready. */
export type GridFilter = { query: string; show: '' | 'attention' };

export function gridTable(entries: readonly GridEntry[]): GridTable {
  const hardware = sorted(entries.map(({ cell }) => cell.hardware));
  const models = new Map<string | undefined, GridEntry[]>();
  for (const entry of entries) {
    const { model } = entry.cell;
    const list = models.get(model);
    if (list) list.push(entry);
    else models.set(model, [entry]);
  }
  const rows = [...models]
    .toSorted(([a], [b]) => byName(a && shortModel(a), b && shortModel(b)) || byName(a, b))
    .map(([model, list]) => ({
      model: model ?? NO_MODEL,
      label: model === undefined ? NO_MODEL : shortModel(model),
      fields: hardware.map((name) => list.filter(({ cell }) => cell.hardware === name)),
    }));
  return { hardware, rows };
}

/** Entries whose model, hardware, sandbox, node or runtime has every word of the query in it. */
export function filtered(entries: readonly GridEntry[], { query, show }: GridFilter): GridEntry[] {
  return entries.filter(
    (entry) =>
      (show !== 'attention' || entry.cell.status.code !== 'ok') &&
      (query === '' || isFound(namesOf(entry).join('\n').toLowerCase(), query)),
  );
}

function namesOf({ cell, runtimes }: GridEntry): string[] {
  return [
    cell.model ?? NO_MODEL,
    cell.hardware,
    cell.sandbox ?? '',
    ...runtimes.flatMap(({ node, record }) => [node, record.descriptor.id, record.descriptor.name]),
  ];
}

const STATUS_WORDS: Record<StatusCode, string> = {
  ok: 'Ready',
  degraded: 'Degraded',
  error: 'Error',
  offline: 'Offline',
};

/** The status in one word. Where all are on their way nothing is wrong yet. */
export function statusWord(cell: GridCell): string {
  return isStarting(cell) ? 'Starting' : STATUS_WORDS[cell.status.code];
}

/** The shape that goes with the word. */
export function shapeOf(cell: GridCell): Shape {
  if (isStarting(cell)) return 'starting';
  const { code } = cell.status;
  return code === 'ok' ? 'ready' : code;
}

function isStarting({ states, runtimes }: GridCell): boolean {
  return states['starting'] === runtimes;
}

/** `2 of 3 ready`; what is ready of a single runtime is said by the status. */
export function readyWords({ states, runtimes }: GridCell): string {
  return `${states['ready'] ?? 0} of ${runtimes} ready`;
}

/** `3 of 8 slots busy`, with the queue where there is one. */
export function loadWords({ capacity, inflight, queued, load_ratio: ratio }: GridCell): string {
  const queue = queued === undefined || queued === 0 ? '' : `, ${queued} queued`;
  if (ratio !== undefined && capacity !== undefined) {
    return `${inflight ?? Math.round(ratio * capacity)} of ${capacity} ${capacity === 1 ? 'slot' : 'slots'} busy${queue}`;
  }
  if (inflight !== undefined) return `${inflight} at work${queue}`;
  return `load ${UNKNOWN}${queue}`;
}

export function cellPace({ predicted_tokens_per_second: pace }: GridCell): string {
  return pace === undefined ? `pace ${UNKNOWN}` : paceWords(pace);
}

/** `/models/qwen2.5-7b-q4.gguf` is `qwen2.5-7b-q4`. */
export function shortModel(model: string): string {
  const base = model.slice(model.lastIndexOf('/') + 1).replace(/\.gguf$/i, '');
  return base === '' ? model : base;
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted((a, b) => byName(a, b));
}

/** What has no name comes last. */
function byName(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a < b ? -1 : a > b ? 1 : 0;
}
