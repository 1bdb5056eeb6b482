// Owns how rows become lines of a terminal: blocks of facts without a head, and tables with one that fit their width.

import {
  cut,
  cutInside,
  lineOf,
  lineWidth,
  padded,
  styled,
  trimmed,
  wrappedLine,
  type Line,
  type Words,
} from './line.ts';
import { widthOf } from './width.ts';

const GAP = 2;
const INDENT = 2;

/** Where less than this is left beside the other cells, the last one gets lines of its own. */
const LAST_MIN = 24;

/**
 * Columns as wide as their widest cell, the last one free: broken into lines under itself where the width ends.
 * @param columns undefined where there is no terminal, and lines keep their length.
 */
export function block(rows: readonly (readonly Words[])[], columns: number | undefined): Line[][] {
  const cells = rows.map((row) => row.map(lineOf));
  const widths = (cells[0] ?? []).map((_, at) => Math.max(...cells.map((row) => lineWidth(row[at] ?? []))));
  return cells.map((row) => {
    const before = row.slice(0, -1).flatMap((cell, at) => padded(cell, (widths[at] ?? 0) + GAP));
    const lead: Line = [{ text: ' '.repeat(INDENT) }, ...before];
    const last = row.at(-1) ?? [];
    const indent = lineWidth(lead);
    if (columns === undefined || indent + lineWidth(last) <= columns) return [trimmed([...lead, ...last])];
    if (columns - indent >= LAST_MIN && longestWord(last) <= columns - indent)
      return beside(lead, indent, wrappedLine(last, columns - indent));
    const under = wrappedLine(last, columns - INDENT * 2);
    return [
      ...wrappedLine(trimmed(lead), columns),
      ...under.map((line) => [{ text: ' '.repeat(INDENT * 2) }, ...line]),
    ];
  });
}

/** A name that is broken in two cannot be copied. */
function longestWord(line: Line): number {
  return Math.max(0, ...line.flatMap(({ text }) => text.split(' ').map(widthOf)));
}

function beside(lead: Line, indent: number, lines: readonly Line[]): Line[] {
  return lines.map((line, at) => trimmed([...(at === 0 ? lead : [{ text: ' '.repeat(indent) }]), ...line]));
}

/** The words after a label, on as many lines as they need; what follows the first is as far in as its words. */
export function listed(label: string, words: readonly string[], columns: number): Line[] {
  const text = lineOf(words.map((word, at) => (at === words.length - 1 ? word : `${word}, `)).join(''));
  const lead = lineOf(`${label} `);
  const indent = lineWidth(lead);
  if (indent <= columns / 2) return beside(lead, indent, wrappedLine(text, columns - indent));
  return [...wrappedLine(trimmed(lead), columns), ...indented(text, INDENT * 2, columns)];
}

export type Column = {
  title: string;
  align?: 'left' | 'right';
  /** It may be made as narrow as this: cut at its end, inside, or broken into lines. */
  min?: number;
  cut?: 'end' | 'inside' | 'wrap';
  /** It may be left out where the width is small; the highest goes first. */
  drop?: number;
};

type Laid = { column: Column; at: number; width: number };

/**
 * A table with a head that is no wider than the terminal: wide columns are narrowed, then columns are left out (which a
 * last line says), and where nothing helps any more each row is a few lines of its own.
 * @param notes lines under a row, by its index
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Words[])[],
  width: number | undefined,
  notes: readonly (readonly Words[])[] = [],
): Line[] {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => row.map(lineOf));
  const noted = (index: number): Line[] =>
    (notes[index] ?? []).flatMap((note) => noteLines(lineOf(note), width));
  const laid = layOut(columns, cells, width);
  if (laid === undefined)
    return cells.flatMap((row, at) => [...stacked(columns, row, width ?? 80), ...noted(at)]);
  const head = laid.map(({ column }) => lineOf(styled('faint', column.title)));
  const left = columns.filter((column) => !laid.some((kept) => kept.column === column));
  const told = `  (left out for lack of width: ${left.map(({ title }) => title).join(', ')})`;
  return [
    ...rowLines(laid, head),
    ...cells.flatMap((row, index) => [
      ...rowLines(
        laid,
        laid.map(({ at }) => row[at] ?? []),
      ),
      ...noted(index),
    ]),
    ...(left.length === 0 ? [] : wrappedLine(lineOf(styled('faint', told)), width ?? 80)),
  ];
}

/** Undefined where the columns cannot be made to fit. */
function layOut(
  columns: readonly Column[],
  cells: readonly (readonly Line[])[],
  width: number | undefined,
): Laid[] | undefined {
  let kept: Laid[] = columns.map((column, at) => ({
    column,
    at,
    width: Math.max(lineWidth(lineOf(column.title)), ...cells.map((row) => lineWidth(row[at] ?? []))),
  }));
  if (width === undefined) return kept;
  for (;;) {
    const narrowed = narrow(kept, width);
    if (narrowed !== undefined) return narrowed;
    const first = kept.filter(({ column }) => column.drop !== undefined);
    const gone = first.toSorted((a, b) => (b.column.drop ?? 0) - (a.column.drop ?? 0))[0];
    if (gone === undefined) return undefined;
    kept = kept.filter((one) => one !== gone);
  }
}

/** Takes from the widest of those that may be narrower until all fit. */
function narrow(laid: readonly Laid[], width: number): Laid[] | undefined {
  const narrowed = laid.map((one) => ({ ...one }));
  const excess = (): number =>
    INDENT + GAP * (laid.length - 1) + narrowed.reduce((sum, one) => sum + one.width, 0) - width;
  for (let over = excess(); over > 0; over = excess()) {
    const spare = narrowed.filter(({ column, width: own }) => column.min !== undefined && own > column.min);
    const widest = spare.toSorted((a, b) => b.width - a.width)[0];
    if (widest === undefined) return undefined;
    widest.width -= 1;
  }
  return narrowed;
}

function rowLines(laid: readonly Laid[], row: readonly Line[]): Line[] {
  const boxes = laid.map(({ column, width }, at) => boxed(row[at] ?? [], column, width));
  const height = Math.max(...boxes.map((box) => box.length));
  return Array.from({ length: height }, (_, level) =>
    trimmed([
      { text: ' '.repeat(INDENT) },
      ...laid.flatMap(({ column, width }, at) => [
        ...padded(boxes[at]?.[level] ?? [], width, column.align),
        { text: at === laid.length - 1 ? '' : ' '.repeat(GAP) },
      ]),
    ]),
  );
}

function boxed(cell: Line, column: Column, width: number): Line[] {
  switch (column.cut) {
    case 'wrap':
      return wrappedLine(cell, width);
    case 'inside':
      return [cutInside(cell, width)];
    case 'end':
    case undefined:
      return [cut(cell, width)];
    default:
      return column.cut satisfies never;
  }
}

/** A row where no table fits: its first cell, and under it every other that says something. */
function stacked(columns: readonly Column[], row: readonly Line[], width: number): Line[] {
  return row.flatMap((cell, at) => {
    if (at === 0) return indented(cell, INDENT, width);
    const words =
      lineWidth(cell) === 0 ? [] : [{ text: `${(columns[at]?.title ?? '').toLowerCase()}: ` }, ...cell];
    return words.length === 0 ? [] : indented(words, INDENT * 2, width);
  });
}

function noteLines(note: Line, width: number | undefined): Line[] {
  const lead = `${' '.repeat(INDENT * 2)}- `;
  return beside(
    [{ text: lead }],
    lead.length,
    width === undefined ? [note] : wrappedLine(note, width - lead.length),
  );
}

function indented(line: Line, indent: number, width: number): Line[] {
  return wrappedLine(line, width - indent).map((part) => [{ text: ' '.repeat(indent) }, ...part]);
}
