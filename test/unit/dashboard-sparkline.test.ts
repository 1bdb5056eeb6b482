// Sparklines: what is not known is a gap, in the line as in the words.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MatrixItem } from '../../contract/read-models.ts';
import { BOX, sparkline, sparklineWords } from '../../dashboard/view-model/sparkline-path.ts';
import {
  sampleOf,
  silence,
  WINDOW_MS,
  withSample,
  type Sample,
  type Samples,
} from '../../dashboard/view-model/sparkline-samples.ts';
import { holds } from '../support/property.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const NOW = 1_800_000_000_000;
const at = (secondsAgo: number, tokensPerSecond: number | undefined): Sample => ({
  ...silence(NOW - secondsAgo * 1000),
  tokensPerSecond,
});
const drawn = (samples: Samples) =>
  sparkline(samples, { figure: 'tokensPerSecond', untilMs: NOW, windowMs: WINDOW_MS, gapMs: 15_000 });
const pieces = (line: string): number => line.split('M').length - 1;

function item(
  health: ReturnType<typeof runtimeRecord>['status']['health'],
  host: Partial<MatrixItem['host']> = {},
): MatrixItem {
  const record = runtimeRecord();
  const said = snapshot({
    runtimes: [{ ...record, status: { ...record.status, ...(health && { health }) } }],
  });
  const time = new Date(NOW).toISOString();
  return {
    ...said,
    host: { ...said.host, ...host },
    received_at: time,
    expires_at: time,
    age_seconds: 0,
    stale: false,
    uplink: 'open',
  };
}

describe('samples', () => {
  test('take the figures that a heartbeat tells, and leave out the others', () => {
    const told = item(
      { capacity: 4, inflight_jobs: 1, predicted_tokens_per_second: 70 },
      { memory_used_bytes: 3, memory_total_bytes: 4 },
    );
    expect(sampleOf(told, NOW)).toEqual({ atMs: NOW, tokensPerSecond: 70, load: 0.25, memory: 0.75 });
    expect(sampleOf(item(undefined), NOW)).toEqual(silence(NOW));
  });

  test('the memory of accelerators counts before that of the host', () => {
    const told = item(undefined, { memory_used_bytes: 3, memory_total_bytes: 4 });
    const [reading] = told.accelerators ?? [];
    if (reading === undefined) throw new Error('the host reads its CPU');
    const gpu = { ...reading, kind: 'gpu' as const, memory_total_bytes: 10, memory_used_bytes: 1 };
    expect(sampleOf({ ...told, accelerators: [gpu] }, NOW).memory).toBe(0.1);
  });

  test('are of the window, in order, and at most one for a second but for the newest', () => {
    holds(
      fc.property(fc.array(fc.integer({ min: -10, max: 60_000 }), { maxLength: 80 }), (steps) => {
        let samples: Samples = [];
        let clock = NOW;
        for (const step of steps) samples = withSample(samples, silence((clock += step)));
        const times = samples.map(({ atMs }) => atMs);
        expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
        const last = times.at(-1) ?? 0;
        expect(times.every((time) => time > last - WINDOW_MS)).toBe(true);
        for (let index = 2; index < times.length; index += 1) {
          expect((times[index] ?? 0) - (times[index - 2] ?? 0)).toBeGreaterThanOrEqual(1000);
        }
      }),
      200,
    );
  });
});

describe('the line', () => {
  test('is broken where a value or a heartbeat is missing', () => {
    expect(pieces(drawn([at(20, 1), at(15, 2), at(10, 3), at(5, 4)]).line)).toBe(1);
    expect(pieces(drawn([at(20, 1), at(15, undefined), at(10, 3), at(5, 4)]).line)).toBe(2);
    expect(pieces(drawn([at(60, 1), at(55, 2), at(10, 3), at(5, 4)]).line)).toBe(2);
  });

  test('a sample alone is a dot, and nothing known is no line', () => {
    expect(drawn([at(5, 3)]).line).toMatch(/^M[\d.]+ [\d.]+h0$/);
    expect(drawn([at(5, undefined)])).toEqual({
      line: '',
      area: '',
      last: undefined,
      min: undefined,
      max: undefined,
    });
  });

  test('stays in its box, whatever it is drawn from', () => {
    const value = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined });
    const sample = fc.tuple(fc.integer({ min: 0, max: 400 }), value).map(([ago, figure]) => at(ago, figure));
    holds(
      fc.property(fc.array(sample, { maxLength: 50 }), (all) => {
        const samples = all.toSorted((a, b) => a.atMs - b.atMs);
        for (const match of drawn(samples).line.matchAll(/[ML]([\d.-]+) ([\d.-]+)/g)) {
          expect(Number(match[1])).toBeGreaterThanOrEqual(0);
          expect(Number(match[1])).toBeLessThanOrEqual(BOX.width);
          expect(Number(match[2])).toBeGreaterThanOrEqual(0);
          expect(Number(match[2])).toBeLessThanOrEqual(BOX.height);
        }
      }),
      200,
    );
  });
});

const say = (samples: Samples): string =>
  sparklineWords('Tokens per second', drawn(samples), WINDOW_MS, String);

describe('words', () => {
  test('tell the last, the lowest and the highest', () => {
    expect(say([at(10, 5), at(5, 0), at(1, 3)])).toBe(
      'Tokens per second, last 5 min: now 3, lowest 0, highest 5',
    );
  });

  test('say unknown where nothing is known now, or ever', () => {
    expect(say([at(60, 5)])).toBe('Tokens per second, last 5 min: unknown now, lowest 5, highest 5');
    expect(say([at(10, 5), at(5, undefined)])).toContain('unknown now');
    expect(say([])).toBe('Tokens per second, last 5 min: unknown');
  });
});
