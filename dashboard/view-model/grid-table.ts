// Owns the grid as a table: models down, hardware across, and in each field one entry for each sandbox. And the words of an
// entry: a status of one word, load and pace, each `unknown` where no runtime told it.

import type { GridCell } from '../../contract/grid.ts';
import type { StatusCode } from '../../contract/words.ts';
import type { GridEntry } from './grid-cells.ts';

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

export type GridFilter = { text: string; status: 'all' | 'attention' };

export const EVERYTHING: GridFilter = { text: '', status: 'all' };

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
    .toSorted(([a], [b]) => byName(a, b))
    .map(([model, list]) => ({
      model: model ?? NO_MODEL,
      label: model === undefined ? NO_MODEL : shortModel(model),
      fields: hardware.map((name) => list.filter(({ cell }) => cell.hardware === name)),
    }));
  return { hardware, rows };
}

/** Entries whose model, hardware, sandbox, node or runtime has every word of the text in it. */
export function filtered(entries: readonly GridEntry[], { text, status }: GridFilter): GridEntry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter((entry) => {
    if (status === 'attention' && entry.cell.status.code === 'ok') return false;
    if (words.length === 0) return true;
    const told = namesOf(entry).join('\n').toLowerCase();
    return words.every((word) => told.includes(word));
  });
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

/** The status in one word. One that serves nothing yet and has failed nowhere is on its way. */
export function statusWord({ status, states, runtimes }: GridCell): string {
  if (states['starting'] === runtimes) return 'Starting';
  return STATUS_WORDS[status.code];
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
  return `load unknown${queue}`;
}

export function paceWords({ predicted_tokens_per_second: pace }: GridCell): string {
  return pace === undefined ? 'pace unknown' : `${figure(pace)} tokens/s`;
}

/** Everything of an entry in one sentence: the name of its link. */
export function entrySentence({ cell }: GridEntry): string {
  const sandbox = cell.sandbox === undefined ? '' : `, sandbox ${cell.sandbox}`;
  const where = `${cell.model ?? NO_MODEL} on ${cell.hardware}${sandbox}`;
  return `${where}: ${cell.status.label}; ${readyWords(cell)}, ${loadWords(cell)}, ${paceWords(cell)}`;
}

/** `/models/qwen2.5-7b-q4.gguf` is `qwen2.5-7b-q4`. */
export function shortModel(model: string): string {
  const base = model.slice(model.lastIndexOf('/') + 1).replace(/\.gguf$/i, '');
  return base === '' ? model : base;
}

/** Three digits are all that a changing figure is read for. */
export function figure(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2).replace(/\.?0+$/, '');
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted((a, b) => byName(a, b));
}

/** What has no name comes last. */
function byName(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a < b ? -1 : a > b ? 1 : 0;
}
