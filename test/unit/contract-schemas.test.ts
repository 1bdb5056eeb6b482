// What the schemas refuse: each rule of the wire page once.

import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { AcceleratorReadingSchema } from '../../contract/accelerator.ts';
import { RestoreArgsSchema, NoArgsSchema } from '../../contract/command.ts';
import { HealthResponseSchema, JoinTokenRequestSchema } from '../../contract/node-api.ts';
import { ModelSchema, RestartBudgetSchema, RuntimeHealthSchema } from '../../contract/runtime-record.ts';
import { Count, Line, Ratio, Timestamp } from '../../contract/scalars.ts';
import { NodeStatusSchema, SnapshotSchema } from '../../contract/snapshot.ts';
import { goldenSnapshot } from '../support/golden.ts';

describe('times', () => {
  test.each(['2026-11-22T12:34:56.789Z', '2026-11-22T12:34:56Z', '2026-11-22T12:34:56.789123456Z'])(
    '%s is one',
    (text) => {
      expect(v.is(Timestamp, text)).toBe(true);
    },
  );
  test.each([
    '2026-11-22T12:34:56.789+01:00',
    '2026-11-22 12:34:56Z',
    '2026-11-22',
    '',
    'now',
    ' 2026-11-22T12:34:56Z',
    '2026-13-01T00:00:00Z',
    '2026-11-22T25:00:00Z',
    '2026-11-22T12:60:00Z',
    '2026-99-99T99:99:99.999Z',
  ])('"%s" is none', (text) => {
    expect(v.is(Timestamp, text)).toBe(false);
  });
});

describe('numbers', () => {
  test('counts are whole and not negative', () => {
    expect([0, 1, 2 ** 40].every((value) => v.is(Count, value))).toBe(true);
    expect([-1, 0.5, Number.NaN, Infinity, '1', null].some((value) => v.is(Count, value))).toBe(false);
  });
  test('ratios lie between 0 and 1', () => {
    expect([0, 0.5, 1].every((value) => v.is(Ratio, value))).toBe(true);
    expect([-0.1, 1.1, Number.NaN].some((value) => v.is(Ratio, value))).toBe(false);
  });
});

describe('lines', () => {
  test('hold 1 to 240 characters that are not all blank', () => {
    expect(['x', 'a'.repeat(240)].every((line) => v.is(Line, line))).toBe(true);
    expect(['', ' ', '\t\n', 'a'.repeat(241)].some((line) => v.is(Line, line))).toBe(false);
  });
});

const { status } = goldenSnapshot();

function withLines(count: number): object {
  return { ...status, detail: Array.from({ length: count }, (_, index) => `line ${index}`) };
}

describe('a status', () => {
  test('has 1 to 8 detail lines', () => {
    expect(v.is(NodeStatusSchema, withLines(1))).toBe(true);
    expect(v.is(NodeStatusSchema, withLines(8))).toBe(true);
    expect(v.is(NodeStatusSchema, withLines(0))).toBe(false);
    expect(v.is(NodeStatusSchema, withLines(9))).toBe(false);
  });
  test.each([
    { code: 'fine' },
    { severity: 'warning' },
    { label: ' ' },
    { detail: ['ok', '  '] },
    { aria_hint: '' },
  ])('with %j is refused', (change) => {
    expect(v.is(NodeStatusSchema, { ...status, ...change })).toBe(false);
  });
});

describe('a snapshot', () => {
  const snapshot = goldenSnapshot();
  const required = [
    'target',
    'generated',
    'boot_id',
    'seq',
    'reporter',
    'host',
    'status',
    'kernel',
    'runtime',
    'runtimes',
  ] as const;
  test.each(required)('without %s is refused', (key) => {
    const { [key]: _left, ...rest } = snapshot;
    expect(v.is(SnapshotSchema, rest)).toBe(false);
  });
  test('without http and accelerators passes: a node may have neither', () => {
    const { http: _http, accelerators: _accelerators, ...rest } = snapshot;
    expect(v.is(SnapshotSchema, rest)).toBe(true);
  });
  test.each([
    { target: 'a/b' },
    { target: '' },
    { target: 'x'.repeat(64) },
    { seq: -1 },
    { seq: 1.5 },
    { boot_id: '' },
    { generated: 'yesterday' },
    { runtimes: {} },
  ])('with %j is refused', (change) => {
    expect(v.is(SnapshotSchema, { ...snapshot, ...change })).toBe(false);
  });
});

describe('figures', () => {
  test('a figure that is unknown is left out, never null', () => {
    expect(v.is(RuntimeHealthSchema, {})).toBe(true);
    expect(v.is(RuntimeHealthSchema, { capacity: null })).toBe(false);
  });
  test('half a slot, a negative queue and an error rate of 2 are refused', () => {
    expect(v.is(RuntimeHealthSchema, { capacity: 1.5 })).toBe(false);
    expect(v.is(RuntimeHealthSchema, { queued_jobs: -1 })).toBe(false);
    expect(v.is(RuntimeHealthSchema, { error_rate: 2 })).toBe(false);
  });
  test('a budget needs its four counts; when it resets only while something is spent', () => {
    const budget = { window_seconds: 600, max_restarts: 3, used: 0, remaining: 3 };
    expect(v.is(RestartBudgetSchema, budget)).toBe(true);
    expect(v.is(RestartBudgetSchema, { ...budget, reset_at: 'soon' })).toBe(false);
    expect(v.is(RestartBudgetSchema, { ...budget, used: -1 })).toBe(false);
  });
  test('a model has one of the known states', () => {
    expect(v.is(ModelSchema, { id: 'm', state: 'sleeping' })).toBe(true);
    expect(v.is(ModelSchema, { id: 'm', state: 'awake' })).toBe(false);
    expect(v.is(ModelSchema, { id: '', state: 'loaded' })).toBe(false);
  });
  test('an accelerator is one of the known slugs', () => {
    const reading = { id: 'x', kind: 'gpu', label: 'GPU', name: 'X', state: 'ready' };
    expect(v.is(AcceleratorReadingSchema, { ...reading, accelerator: 'gpu_cuda' })).toBe(true);
    expect(v.is(AcceleratorReadingSchema, { ...reading, accelerator: 'gpu' })).toBe(false);
    expect(v.is(AcceleratorReadingSchema, { ...reading, accelerator: 'gpu_cuda', driver: '' })).toBe(false);
  });
});

describe('requests', () => {
  test('a restore takes its three arguments and refuses a typo', () => {
    expect(v.is(RestoreArgsSchema, {})).toBe(true);
    expect(v.is(RestoreArgsSchema, { restart: false, preset: 'long-context.v2', force: true })).toBe(true);
    expect(v.is(RestoreArgsSchema, { restrat: true })).toBe(false);
    expect(v.is(RestoreArgsSchema, { preset: '../x' })).toBe(false);
    expect(v.is(NoArgsSchema, { force: true })).toBe(false);
  });
  test('join tokens have bounds', () => {
    expect(v.is(JoinTokenRequestSchema, {})).toBe(true);
    expect(v.is(JoinTokenRequestSchema, { uses: 0 })).toBe(false);
    expect(v.is(JoinTokenRequestSchema, { ttl_secs: 31 * 86_400 })).toBe(false);
    expect(v.is(JoinTokenRequestSchema, { ttl: 1 })).toBe(false);
  });
  test('an answer to a heartbeat lists its commands, also none', () => {
    const answer = { ttl_seconds: 60, interval_ms: 5000, server_time: '2026-11-22T12:34:56.789Z' };
    expect(v.is(HealthResponseSchema, { ...answer, commands: [] })).toBe(true);
    expect(v.is(HealthResponseSchema, answer)).toBe(false);
  });
});
