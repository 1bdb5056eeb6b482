// The sentences of a node's status: code, label, detail lines and the hint that a screen reader says.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { LINE_MAX_LENGTH } from '../../contract/scalars.ts';
import { NodeStatusSchema } from '../../contract/snapshot.ts';
import {
  ariaHint,
  detailLines,
  offlineStatus,
  spokenLine,
  statusFromReasons,
  type Reason,
} from '../../contract/status.ts';
import { severityOfCode, type Severity } from '../../contract/words.ts';
import { holds } from '../support/property.ts';

const error = (text: string): Reason => ({ severity: 'error', text });
const warn = (text: string): Reason => ({ severity: 'warn', text });
const info = (text: string): Reason => ({ severity: 'info', text });

describe('status from reasons', () => {
  test.each([
    { reasons: [], code: 'ok', label: 'Ready - Runtime telemetry nominal', severityLabel: 'Info' },
    { reasons: [info('A')], code: 'ok', label: 'Ready - Runtime telemetry nominal', severityLabel: 'Info' },
    { reasons: [warn('A')], code: 'degraded', label: 'Degraded - A', severityLabel: 'Warning' },
    { reasons: [info('B'), warn('A')], code: 'degraded', label: 'Degraded - A', severityLabel: 'Warning' },
    { reasons: [error('A')], code: 'error', label: 'Error - A', severityLabel: 'Error' },
    { reasons: [warn('B'), error('A')], code: 'error', label: 'Error - A', severityLabel: 'Error' },
    { reasons: [error('A'), error('B')], code: 'error', label: 'Error - A', severityLabel: 'Error' },
  ])('$reasons is $code', ({ reasons, code, label, severityLabel }) => {
    const status = statusFromReasons(reasons);
    expect(status).toMatchObject({ code, label, severity_label: severityLabel });
    expect(status.severity).toBe(severityOfCode(status.code));
  });

  test('tells the worst first, and info too', () => {
    const reasons = [info('i'), warn('w1'), error('e'), warn('w2')];
    expect(statusFromReasons(reasons).detail).toEqual(['e', 'w1', 'w2', 'i']);
  });

  test('a nominal node runs within expected ranges', () => {
    expect(statusFromReasons([]).detail).toEqual(['Running within expected ranges']);
  });

  test('an error whose reason is blank never says that all is well', () => {
    for (const status of [statusFromReasons([error(' ')]), statusFromReasons([warn('')])]) {
      expect(status.label).not.toContain('Running within expected ranges');
      expect(status.detail).not.toContain('Running within expected ranges');
      expect(v.is(NodeStatusSchema, status)).toBe(true);
    }
  });

  test('a label that would be too long is cut like any line', () => {
    const { label } = statusFromReasons([error('x'.repeat(300))]);
    expect(label).toHaveLength(LINE_MAX_LENGTH);
    expect(label.endsWith('…')).toBe(true);
  });
});

describe('offline', () => {
  test('says why, as the wire page words it', () => {
    expect(offlineStatus('No heartbeat for 75 s')).toEqual({
      code: 'offline',
      severity: 'error',
      severity_label: 'Error',
      label: 'Offline - No heartbeat for 75 s',
      detail: ['No heartbeat for 75 s'],
      aria_hint: 'Runtime status Offline - No heartbeat for 75 s. No heartbeat for 75 s',
    });
  });
  test('takes detail lines of its own', () => {
    const { detail } = offlineStatus('No heartbeat for 75 s', ['Last seen at noon', ' ']);
    expect(detail).toEqual(['Last seen at noon']);
  });
});

test('the hint joins the details with semicolons', () => {
  expect(ariaHint('Degraded - A', ['A', 'B', 'C'])).toBe('Runtime status Degraded - A. A; B; C');
});

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `line ${index}`);
}

describe('detail lines', () => {
  test('leave out blanks and repeats, also those that differ in white space only', () => {
    expect(detailLines(['a', ' a ', '', '  ', 'b  c', 'b\n c'], 'none')).toEqual(['a', 'b c']);
  });
  test('eight fit; of nine the last line counts what is not shown', () => {
    expect(detailLines(numbered(8), 'none')).toEqual(numbered(8));
    expect(detailLines(numbered(9), 'none')).toEqual([...numbered(7), 'and 2 more']);
    expect(detailLines(numbered(100), 'none')).toEqual([...numbered(7), 'and 93 more']);
  });
  test('a line that says "and 2 more" itself is not told twice', () => {
    const lines = ['and 2 more', ...Array.from({ length: 8 }, (_, index) => `line ${index}`)];
    const told = detailLines(lines, 'none');
    expect(told).toHaveLength(8);
    expect(new Set(told).size).toBe(8);
  });
  test('none at all is said in the given words', () => {
    expect(detailLines(['', ' '], 'Nothing to tell')).toEqual(['Nothing to tell']);
  });
  test('a cut does not split a character', () => {
    const line = spokenLine(`${'x'.repeat(238)}🚀🚀`);
    expect(line.isWellFormed()).toBe(true);
    expect(line.length).toBeLessThanOrEqual(LINE_MAX_LENGTH);
  });
});

// Words that collide, blanks, line breaks, long lines, other scripts.
const text = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\n',
    'a',
    'and 2 more',
    'and 3 more',
    'and 10 more',
    'x'.repeat(240),
    'x'.repeat(500),
  ),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.nat(30).map((number) => `line ${number}`),
);
const severity = fc.constantFrom<Severity>('info', 'warn', 'error');
const reason = fc.record({ severity, text });

test('property: detail lines are 1 to 8, distinct, not blank, at most 240 characters, on one line', () => {
  holds(
    fc.property(fc.array(text, { maxLength: 40 }), (texts) => {
      const lines = detailLines(texts, 'none');
      expect(lines.length).toBeGreaterThanOrEqual(1);
      expect(lines.length).toBeLessThanOrEqual(8);
      expect(new Set(lines).size).toBe(lines.length);
      for (const line of lines) {
        expect(line.trim()).not.toBe('');
        expect(line.length).toBeLessThanOrEqual(LINE_MAX_LENGTH);
        expect(line).not.toMatch(/[\r\n]/);
      }
    }),
  );
});

test('property: no line is dropped in silence', () => {
  holds(
    fc.property(fc.array(text, { maxLength: 40 }), (texts) => {
      const distinct = new Set(texts.map(spokenLine).filter((line) => line !== ''));
      const lines = detailLines(texts, 'none');
      const more = distinct.size > 8 ? Number(/^and (\d+) more$/.exec(lines.at(-1) ?? '')?.[1]) : 0;
      expect((more > 0 ? lines.length - 1 : lines.length) + more).toBe(Math.max(1, distinct.size));
    }),
  );
});

test('property: every status passes its schema and repeats its label and details in the hint', () => {
  holds(
    fc.property(fc.array(reason, { maxLength: 20 }), (reasons) => {
      const status = statusFromReasons(reasons);
      expect(v.is(NodeStatusSchema, status)).toBe(true);
      expect(status.aria_hint).toBe(`Runtime status ${status.label}. ${status.detail.join('; ')}`);
    }),
  );
});

test('property: another reason never makes a node look better, and order does not matter', () => {
  const rank = { ok: 0, degraded: 1, error: 2, offline: 3 };
  holds(
    fc.property(fc.array(reason, { maxLength: 10 }), reason, (reasons, another) => {
      const before = statusFromReasons(reasons);
      const after = statusFromReasons([...reasons, another]);
      expect(rank[after.code]).toBeGreaterThanOrEqual(rank[before.code]);
      expect(statusFromReasons([another, ...reasons]).code).toBe(after.code);
    }),
  );
});
