// From the bytes of a log to the frames of its readers: whole lines, bounded, and no secret whatever the pieces.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOG_LINE_MAX_LENGTH, TAIL_MAX } from '../../contract/logs.ts';
import { LineQueue } from '../../reporter/logs/line-queue.ts';
import { LineSplitter, spellLine, spellUnfinished } from '../../reporter/logs/lines.ts';
import { redactor } from '../../reporter/logs/redaction.ts';
import { holds } from '../support/property.ts';

const redact = redactor([]);

/** The bytes in pieces that end at these places. */
function pieces(bytes: Buffer, ends: readonly number[]): Buffer[] {
  const cuts = [...ends.map((end) => end % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return cuts.map((end, index) => bytes.subarray(cuts[index - 1] ?? 0, end));
}

function spelled(chunks: readonly Buffer[], hide = redact): string[] {
  const splitter = new LineSplitter();
  return chunks.flatMap((chunk) => splitter.push(chunk)).map((line) => spellLine(line, hide));
}

const secret = fc.stringMatching(/^[A-Za-z0-9_-]{8,24}$/);
const ends = fc.array(fc.nat(), { maxLength: 12 });

describe('lines', () => {
  test('are the same however the bytes come, letters of several bytes included', () => {
    holds(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), ends, (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
        expect(spelled(pieces(bytes, cuts))).toEqual(spelled([bytes]));
      }),
    );
  });

  test('hold no known secret, however the bytes come and however long a line is', () => {
    const part = fc.oneof(
      fc.string(),
      fc.constant('\n'),
      fc.constant('x'.repeat(16_380)),
      fc.constant(undefined),
    );
    holds(
      fc.property(secret, fc.array(part, { maxLength: 12 }), ends, (value, parts, cuts) => {
        const hide = redactor([value]);
        const bytes = Buffer.from(`${parts.map((text) => text ?? value).join('')}\n`);
        const queue = new LineQueue();
        for (const line of spelled(pieces(bytes, cuts), hide)) queue.push(line);
        while (!queue.isEmpty) expect(JSON.stringify(queue.take(64 * 1024))).not.toContain(value);
      }),
    );
  });

  test('are bounded, and what was cut says so', () => {
    const [long, huge, next] = spelled([
      Buffer.from(`${'a'.repeat(5_000)}\n${'b'.repeat(1_000_000)}\nnext\n`),
    ]);
    expect(long).toHaveLength(LOG_LINE_MAX_LENGTH);
    expect(long?.endsWith('a [line cut]')).toBe(true);
    expect(huge?.endsWith('b [line cut]')).toBe(true);
    expect(next).toBe('next');
  });

  test('a secret at the place of a cut is not told in part', () => {
    const value = 'hunter2-hunter2-hunter2';
    for (const before of [16_384 - 5, 4_096 - 20]) {
      const [line = ''] = spelled(
        [Buffer.from(`${'a'.repeat(before)}${value}${'b'.repeat(200)}\n`)],
        redactor([value]),
      );
      expect(line).not.toContain('hunt');
    }
  });

  test('what is no text, and what steers a terminal, is not told', () => {
    const bytes = Buffer.concat([
      Buffer.from('a\u001b[31mred\u001b[0m\u0007\tb\r\n'),
      Buffer.from([0xff, 0xc3, 0x0a]),
    ]);
    expect(spelled([bytes])).toEqual(['ared\uFFFD\tb', '\uFFFD\uFFFD']);
  });

  test('an unfinished one is shown as it is so far, without what may be the beginning of a secret', () => {
    const splitter = new LineSplitter();
    splitter.push(Buffer.from('whole\nkey: hunter'));
    const { unfinished } = splitter;
    if (unfinished === undefined) throw new Error('there is one');
    expect(spellUnfinished(unfinished, redact)).toBe('key: hunter…');
    expect(spellUnfinished(unfinished, redactor(['hunter2-and-more']))).toBe('key: [redacted]…');
    expect(splitter.push(Buffer.from('2\n')).map((line) => spellLine(line, redact))).toEqual([
      'key: hunter2',
    ]);
    expect(splitter.unfinished).toBeUndefined();
  });
});

describe('the queue of a reader', () => {
  test('keeps the newest lines, in order, and counts the rest', () => {
    const queue = new LineQueue();
    for (let index = 0; index < TAIL_MAX + 5; index += 1) queue.push(`line ${index}`);
    const taken = queue.take(1_000_000);
    expect(taken.dropped).toBe(5);
    expect(taken.lines).toHaveLength(TAIL_MAX);
    expect(taken.lines[0]).toBe('line 5');
    expect(queue.isEmpty).toBe(true);
    expect(queue.take(1_000_000)).toEqual({ lines: [], dropped: 0 });
  });

  test('loses nothing that it does not count, and no frame is too large', () => {
    const text = fc.oneof(fc.string({ maxLength: 200 }), fc.constant('"\\'.repeat(2_000)));
    holds(
      fc.property(fc.array(fc.array(text, { maxLength: 60 }), { maxLength: 8 }), (batches) => {
        const queue = new LineQueue();
        let pushed = 0;
        let told = 0;
        for (const batch of batches) {
          for (const line of batch) queue.push(line);
          pushed += batch.length;
          const { lines, dropped } = queue.take(64 * 1024);
          told += lines.length + dropped;
          expect(Buffer.byteLength(JSON.stringify(lines))).toBeLessThan(80 * 1024);
        }
        while (!queue.isEmpty) {
          const { lines, dropped } = queue.take(64 * 1024);
          told += lines.length + dropped;
        }
        expect(told).toBe(pushed);
      }),
      200,
    );
  });
});
