// The log drawer's lines: bounded, held back while somebody reads, and none twice after the stream was lost.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  droppedWords,
  heldWords,
  LINES_MAX,
  logText,
  NO_LINES,
  plainLine,
  withNews,
  type LogLines,
} from '../../dashboard/view-model/log-lines.ts';
import { holds } from '../support/property.ts';

const texts = (log: LogLines): string[] => log.shown.map(({ text }) => text);
const lines = (...all: string[]) => ({ kind: 'lines' as const, lines: all });
const numbered = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `line ${from + index}`);

describe('lines of a log', () => {
  test('are held back while paused, and shown in order afterwards', () => {
    let log = withNews(NO_LINES, lines('a'));
    log = withNews(log, { kind: 'pause' });
    log = withNews(log, lines('b', 'c'));
    expect(texts(log)).toEqual(['a']);
    expect(heldWords(log)).toBe('2 new lines');
    log = withNews(log, { kind: 'resume' });
    expect(texts(log)).toEqual(['a', 'b', 'c']);
    expect(heldWords(log)).toBeUndefined();
  });

  test('are bounded, the oldest go first', () => {
    const log = withNews(withNews(NO_LINES, lines('first')), lines(...numbered(0, LINES_MAX)));
    expect(log.shown).toHaveLength(LINES_MAX);
    expect(texts(log)[0]).toBe('line 0');
  });

  test('that a stream repeats after it was lost are shown once', () => {
    const before = withNews(NO_LINES, lines(...numbered(0, 10)));
    const log = withNews(withNews(before, { kind: 'note', text: 'Connected again' }), {
      ...lines(...numbered(4, 8)),
      resumed: true,
    });
    expect(texts(log)).toEqual([...numbered(0, 10), 'Connected again', ...numbered(10, 2)]);
  });

  test('that share nothing with what is known are all shown', () => {
    const log = withNews(withNews(NO_LINES, lines('a', 'b')), { ...lines('x', 'y'), resumed: true });
    expect(texts(log)).toEqual(['a', 'b', 'x', 'y']);
  });

  test('are copied as they are in the file, with notes in brackets', () => {
    const log = withNews(withNews(NO_LINES, lines('a')), { kind: 'note', text: droppedWords(1) });
    expect(logText(log)).toBe('a\n[1 line is missing here: the log was faster than its way]');
  });

  test('a resumed tail never loses a line, wherever the stream broke', () => {
    holds(
      fc.property(fc.nat(60), fc.nat(60), fc.integer({ min: 1, max: 40 }), (seen, missed, tail) => {
        const known = numbered(0, seen);
        const all = numbered(0, seen + missed);
        const log = withNews(withNews(NO_LINES, lines(...known)), {
          ...lines(...all.slice(-tail)),
          resumed: true,
        });
        // What is missing was written while nobody listened, and is further back than the tail.
        expect(texts(log)).toEqual([...known, ...all.slice(Math.max(seen, all.length - tail))]);
      }),
    );
  });

  test('are shown without what steers a terminal', () => {
    expect(plainLine('\u001B[1;32mok\u001B[0m\tdone\u0007')).toBe('ok\tdone\uFFFD');
  });

  test('keys are never used twice', () => {
    const news = fc.oneof(
      fc.array(fc.string(), { maxLength: 4 }).map((all) => lines(...all)),
      fc.constantFrom({ kind: 'pause' as const }, { kind: 'resume' as const }, { kind: 'clear' as const }),
    );
    holds(
      fc.property(fc.array(news, { maxLength: 20 }), (all) => {
        const log = all.reduce(withNews, NO_LINES);
        const keys = [...log.shown, ...log.held].map(({ key }) => key);
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys).toEqual(keys.toSorted((a, b) => a - b));
      }),
      200,
    );
  });
});
