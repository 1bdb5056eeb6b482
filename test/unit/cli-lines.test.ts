// Lines of a terminal: none is wider than the terminal, whatever is in them; and nothing in them steers it.

import * as fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { cut, cutInside, lineOf, styled, toText, wrappedLine, type Line } from '../../cli/render/line.ts';
import { block, listed, table, type Column } from '../../cli/render/table.ts';
import { beginning, ending, widthOf } from '../../cli/render/width.ts';
import { holds } from '../support/property.ts';

/** What people and models are called, and what nobody should be. */
const strangeText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.stringMatching(/^[a-z -]{0,80}$/),
  fc.constantFrom(
    '模型-通义千问-7b-指令微调',
    '👩‍👩‍👧‍👦 family',
    'GPU (CUDA) · H100 80GB',
    'e\u0301'.repeat(40),
    '\u001B[31mred',
    'a\nb\tc',
  ),
);
const width = fc.integer({ min: 10, max: 120 });

/** The lines that are. */
function tooWide(lines: readonly Line[], columns: number): string[] {
  return toText(lines)
    .split('\n')
    .filter((line) => stringWidth(line) > columns);
}

function rows(cells: number) {
  return fc.array(fc.array(strangeText, { minLength: cells, maxLength: cells }), { maxLength: 6 });
}

const COLUMNS: Column[] = [
  { title: 'NAME', min: 6, cut: 'inside' },
  { title: 'WHERE', min: 6, cut: 'wrap' },
  { title: 'COUNT', align: 'right', drop: 1 },
  { title: 'WORDS', min: 8, cut: 'end' },
];

describe('no line is wider than the terminal:', () => {
  test('a table', () => {
    holds(
      fc.property(rows(4), width, fc.array(strangeText, { maxLength: 2 }), (cells, columns, note) => {
        expect(tooWide(table(COLUMNS, cells, columns, [note]), columns)).toEqual([]);
      }),
    );
  });

  test('a block', () => {
    holds(
      fc.property(rows(3), width, (cells, columns) => {
        expect(tooWide(block(cells, columns).flat(), columns)).toEqual([]);
      }),
    );
  });

  test('a list, a text, a cut', () => {
    holds(
      fc.property(fc.array(strangeText, { maxLength: 8 }), width, (words, columns) => {
        expect(tooWide(listed('  of:', words, columns), columns)).toEqual([]);
        const line = lineOf(words.flatMap((word) => [styled('good', word), ' ']));
        expect(tooWide(wrappedLine(line, columns), columns)).toEqual([]);
        expect(tooWide([cut(line, columns), cutInside(lineOf(words.join('')), columns)], columns)).toEqual(
          [],
        );
      }),
    );
  });
});

test('a width counts as the library has it, and ends of a text are no wider than asked', () => {
  holds(
    fc.property(strangeText, fc.integer({ min: 0, max: 40 }), (raw, columns) => {
      const [{ text } = { text: '' }] = lineOf(raw);
      expect(widthOf(text)).toBe(stringWidth(text));
      expect(text.startsWith(beginning(text, columns))).toBe(true);
      expect(text.endsWith(ending(text, columns))).toBe(true);
      expect(stringWidth(beginning(text, columns))).toBeLessThanOrEqual(columns);
      expect(stringWidth(ending(text, columns))).toBeLessThanOrEqual(columns);
    }),
  );
});

test('a text loses nothing but spaces where it is wrapped', () => {
  const words = fc.array(fc.stringMatching(/^[a-z模型]{1,30}$/), { maxLength: 20 });
  holds(
    fc.property(words, width, (list, columns) => {
      const text = toText(wrappedLine(lineOf(list.join(' ')), columns));
      expect(text.replaceAll(/\s/g, '')).toBe(list.join(''));
    }),
  );
});

test('what a node said cannot look like a colour of ours, nor turn or break the line', () => {
  const line = lineOf(['a\u001B[32mok', styled('bad', 'b\u202Ec\u2028d\u009B')]);
  expect(toText([line], (style, text) => `<${style}>${text}</>`)).toBe(
    'a\uFFFD[32mok<bad>b\uFFFDc d\uFFFD</>\n',
  );
});

test('a name is cut where it tells least, columns that are left out are named, and a narrow table is a list', () => {
  const cells = [['llama-3.3-70b-instruct-q4_k_m', 'GPU (CUDA) · H100 80GB', '7', 'fine']];
  expect(toText(table(COLUMNS, cells, 46)).split('\n')).toEqual([
    '  NAME            WHERE           COUNT  WORDS',
    '  llama-3…q4_k_m  GPU (CUDA) ·        7  fine',
    '                  H100 80GB',
    '',
  ]);
  expect(toText(table(COLUMNS, cells, 28)).replaceAll(/\s+/g, ' ')).toContain(
    '(left out for lack of width: COUNT)',
  );
  expect(toText(table(COLUMNS, cells, 20)).split('\n')).toContain('    count: 7');
});
