// What the gateway says it measured.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { deriveNodeStatus } from '../../contract/rollup.ts';
import { HttpTelemetrySchema } from '../../contract/snapshot.ts';
import { ewma, Telemetry, type Hit } from '../../reporter/gateway/telemetry.ts';
import { BUCKET_MS, HitWindow, WINDOW_SECONDS } from '../../reporter/gateway/window.ts';
import { holds } from '../support/property.ts';

const CHAT = '/v1/chat/completions';

const stretch = (ms: number): number => Math.floor(ms / BUCKET_MS);

function counted(...hits: Partial<Hit>[]): Telemetry {
  const telemetry = new Telemetry();
  for (const hit of hits) {
    telemetry.begin();
    telemetry.end({ route: CHAT, isError: false, ...hit }, 0);
  }
  return telemetry;
}

describe('the window', () => {
  test('is what a list of everything says', () => {
    const hit = fc.record({ gapMs: fc.nat(90_000), isError: fc.boolean() });
    holds(
      fc.property(fc.array(hit, { maxLength: 200 }), fc.nat(400_000), (hits, laterMs) => {
        const window = new HitWindow();
        const all: { atMs: number; isError: boolean }[] = [];
        let nowMs = 0;
        for (const { gapMs, isError } of hits) {
          nowMs += gapMs;
          window.note(isError, nowMs);
          all.push({ atMs: nowMs, isError });
        }
        nowMs += laterMs;
        const oldest = stretch(nowMs) - (WINDOW_SECONDS * 1000) / BUCKET_MS;
        const within = all.filter(({ atMs }) => stretch(atMs) > oldest);
        const errors = within.filter(({ isError }) => isError).length;
        expect(window.sums(nowMs)).toEqual({ hits: within.length, errors });
      }),
    );
  });

  test('everything counts for at least 295 s, nothing for longer than 300', () => {
    const window = new HitWindow();
    window.note(true, 4_999);
    expect(window.sums(299_999)).toEqual({ hits: 1, errors: 1 });
    expect(window.sums(300_000)).toEqual({ hits: 0, errors: 0 });
  });
});

describe('the average', () => {
  test('begins with the first figure, leans to the newer ones, and ignores what was not measured', () => {
    expect(ewma(undefined, undefined)).toBeUndefined();
    expect(ewma(undefined, 100)).toBe(100);
    expect(ewma(100, 200)).toBe(120);
    expect(ewma(120, undefined)).toBe(120);
  });
  test('stays between the least and the greatest figure', () => {
    holds(
      fc.property(fc.array(fc.nat(100_000), { minLength: 1 }), (figures) => {
        let average: number | undefined;
        for (const figure of figures) average = ewma(average, figure);
        expect(average).toBeGreaterThanOrEqual(Math.min(...figures) - 1e-6);
        expect(average).toBeLessThanOrEqual(Math.max(...figures) + 1e-6);
      }),
    );
  });
});

const status = (failed: number, hits: number, nowMs: number) => {
  const telemetry = counted(...Array.from({ length: hits }, (_, index) => ({ isError: index < failed })));
  return deriveNodeStatus({ supervisorEnabled: true, records: [], http: telemetry.block(nowMs) }).label;
};

describe('the block', () => {
  test('nothing asked: the counts are known to be 0, and no figure is invented', () => {
    const block = new Telemetry().block(0);
    expect(v.parse(HttpTelemetrySchema, block)).toEqual(block);
    expect(block).toEqual({
      routes: 0,
      hits: 0,
      errors: 0,
      inflight: 0,
      window_seconds: 300,
      window_hits: 0,
      window_errors: 0,
    });
  });

  test('distinct routes, hits, errors, averages', () => {
    const telemetry = counted(
      { durationMs: 100, firstTokenMs: 20 },
      { durationMs: 200 },
      { isError: true },
      { route: 'other' },
    );
    telemetry.begin();
    const block = telemetry.block(0);
    expect(v.parse(HttpTelemetrySchema, block)).toEqual(block);
    expect(block).toMatchObject({
      routes: 2,
      hits: 4,
      errors: 1,
      error_rate: 0.25,
      inflight: 1,
      window_hits: 4,
      window_errors: 1,
      avg_ewma_ms: 120,
      ttft_ewma_ms: 20,
    });
    expect(block).not.toHaveProperty('slow_routes');
  });

  test('slow routes, the slowest first', () => {
    const telemetry = counted(
      { durationMs: 2_310.4 },
      { route: '/v1/embeddings', durationMs: 2_000 },
      { route: '/v1/completions', durationMs: 9_000 },
    );
    expect(telemetry.block(0).slow_routes).toEqual(['/v1/completions (9000 ms)', `${CHAT} (2310 ms)`]);
  });

  test('the status is judged by the window, from 20 requests on', () => {
    expect(status(3, 25, 0)).toBe('Degraded - 3 of 25 requests failed in the last 300 s (12.0 %)');
    expect(status(1, 25, 0)).toBe('Ready - Runtime telemetry nominal');
    expect(status(19, 19, 0)).toBe('Ready - Runtime telemetry nominal');
    expect(status(25, 25, 300_000)).toBe('Ready - Runtime telemetry nominal');
  });
});
