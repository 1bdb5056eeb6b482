// What a registry adds up to: counts, alerts, restart pressure as the wire page words it, and the node's status.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { AcceleratorSchema, acceleratorLabel } from '../../contract/accelerator.ts';
import { deriveNodeStatus, restartPressure, rollUp } from '../../contract/rollup.ts';
import type { RestartBudget, RuntimeRecord } from '../../contract/runtime-record.ts';
import { RuntimeRollupSchema, type HttpTelemetry, type NodeStatus } from '../../contract/snapshot.ts';
import {
  RUNTIME_STATES,
  severityLabel,
  severityOfState,
  stateLabel,
  type RuntimeState,
  type Severity,
} from '../../contract/words.ts';
import { goldenSnapshot } from '../support/golden.ts';
import { holds } from '../support/property.ts';
import { runtimeRecord } from '../support/snapshot.ts';

const NOW = '2026-11-22T12:34:56.789Z';
const RESET = '2026-11-22T12:41:02.120Z';

function budget(used: number, maxRestarts = 3): RestartBudget {
  return {
    window_seconds: 600,
    max_restarts: maxRestarts,
    used,
    remaining: Math.max(0, maxRestarts - used),
    ...(used > 0 && { reset_at: RESET }),
  };
}

function record(state: RuntimeState, severity: Severity, summary = 'Ready', spent = 0): RuntimeRecord {
  const { descriptor, status } = runtimeRecord({ state, budget: budget(spent) });
  return {
    descriptor: { ...descriptor, name: 'Llama 70B' },
    status: { ...status, severity, severity_label: severityLabel(severity), summary },
  };
}

describe('restart pressure', () => {
  test('low and exhausted are worded as on the wire page', () => {
    expect(restartPressure('Llama 70B', budget(2))).toBe(
      `Llama 70B restart budget low (1 of 3 remaining; window 600s; resets at ${RESET})`,
    );
    expect(restartPressure('Llama 70B', budget(3))).toBe(
      `Llama 70B restart budget exhausted (0 of 3 remaining; window 600s; resets at ${RESET})`,
    );
  });
  test.each([
    { used: 0, max: 3, told: false },
    { used: 1, max: 3, told: false },
    { used: 2, max: 3, told: true },
    { used: 3, max: 3, told: true },
    { used: 0, max: 1, told: false },
    { used: 1, max: 1, told: true },
    { used: 1, max: 2, told: true },
    { used: 6, max: 10, told: false },
    { used: 7, max: 10, told: true },
    { used: 0, max: 0, told: false },
    { used: 4, max: 3, told: true },
  ])('$used used of $max: told is $told', ({ used, max, told }) => {
    expect(restartPressure('X', budget(used, max)) !== undefined).toBe(told);
  });
  test('where restarts are switched off there is no pressure, not even after a forced one', () => {
    expect(restartPressure('X', budget(1, 0))).toBeUndefined();
  });
  test('without a budget there is none', () => {
    expect(restartPressure('X', undefined)).toBeUndefined();
  });
});

describe('rollup', () => {
  test('of nothing leaves out the maps and lists', () => {
    expect(rollUp([], NOW)).toEqual({ total: 0, updated: NOW });
  });
  test('counts by state, severity and lane', () => {
    const { runtimes } = goldenSnapshot();
    const [, ready] = runtimes;
    const { accelerator: _none, ...descriptor } = runtimeRecord({
      id: 'whisper',
      state: 'offline',
    }).descriptor;
    const stopped = { ...runtimeRecord({ id: 'whisper', state: 'offline' }), descriptor };
    const sums = rollUp([...runtimes, stopped, ...(ready ? [ready] : [])], NOW);

    expect(sums.total).toBe(4);
    expect(sums.states).toEqual({ degraded: 1, ready: 2, offline: 1 });
    expect(sums.severity).toEqual({ warn: 1, info: 2, error: 1 });
    expect(sums.by_accelerator).toEqual({
      'GPU (CUDA)': { total: 3, states: { degraded: 1, ready: 2 } },
      Unspecified: { total: 1, states: { offline: 1 } },
    });
    expect(sums.alerts).toEqual([
      'Llama 70B: Probe failing (timeout after 3000 ms)',
      'Runtime whisper: Offline',
    ]);
  });
});

function derive(records: RuntimeRecord[], http?: HttpTelemetry): NodeStatus {
  return deriveNodeStatus({ supervisorEnabled: true, records, http });
}

describe('node status', () => {
  test.each<[RuntimeState, Severity, string]>([
    ['ready', 'info', 'ok'],
    ['ready', 'warn', 'degraded'],
    ['ready', 'error', 'error'],
    ['starting', 'info', 'degraded'],
    ['starting', 'warn', 'degraded'],
    ['degraded', 'warn', 'degraded'],
    ['unknown', 'warn', 'degraded'],
    ['unknown', 'error', 'error'],
    ['error', 'error', 'error'],
    ['error', 'info', 'error'],
    ['offline', 'info', 'ok'],
    ['offline', 'error', 'error'],
  ])('a runtime that is %s with severity %s makes the node %s', (state, severity, code) => {
    expect(derive([record(state, severity, 'Said so')]).code).toBe(code);
  });

  test('a stopped runtime is told without an alarm', () => {
    const status = derive([record('offline', 'info', 'Stopped')]);
    expect(status).toMatchObject({
      label: 'Ready - Runtime telemetry nominal',
      detail: ['Llama 70B: Stopped'],
    });
  });
  test('a ready runtime without headroom is worth a warning', () => {
    const status = derive([record('ready', 'info', 'Ready', 3)]);
    expect(status.code).toBe('degraded');
    expect(status.detail).toEqual([
      `Llama 70B restart budget exhausted (0 of 3 remaining; window 600s; resets at ${RESET})`,
    ]);
  });
  test('a node without a supervisor is offline', () => {
    expect(deriveNodeStatus({ supervisorEnabled: false, records: [] })).toMatchObject({
      code: 'offline',
      label: 'Offline - Supervisor is not running',
    });
  });

  test.each([
    { hits: 0, errors: 0, code: 'ok' },
    { hits: 19, errors: 19, code: 'ok' },
    { hits: 20, errors: 0, code: 'ok' },
    { hits: 100, errors: 4, code: 'ok' },
    { hits: 100, errors: 5, code: 'degraded' },
    { hits: 100, errors: 49, code: 'degraded' },
    { hits: 100, errors: 50, code: 'error' },
  ])('$errors errors in $hits requests make it $code', ({ hits, errors, code }) => {
    const http: HttpTelemetry = {
      routes: 1,
      hits,
      errors,
      window_seconds: 300,
      window_hits: hits,
      window_errors: errors,
    };
    const status = derive([record('ready', 'info')], http);
    expect(status.code).toBe(code);
    const told = `${errors} of ${hits} requests failed in the last 300 s`;
    expect(status.detail[0]?.startsWith(told)).toBe(code !== 'ok');
  });
});

const state = fc.constantFrom(...RUNTIME_STATES);
const severity = fc.constantFrom<Severity>('info', 'warn', 'error');
const anyRecord = fc
  .record({
    state,
    severity: fc.option(severity, { nil: undefined }),
    lane: fc.option(fc.constantFrom(...AcceleratorSchema.options), { nil: undefined }),
    spent: fc.nat(4),
    name: fc.string({ minLength: 1, maxLength: 240 }).filter((name) => name.trim() !== ''),
  })
  .map(({ state: slug, severity: given, lane, spent, name }): RuntimeRecord => {
    const { descriptor, status } = runtimeRecord({ state: slug, budget: budget(spent) });
    const { accelerator: _lane, ...rest } = descriptor;
    const told = given ?? severityOfState(slug);
    return {
      descriptor: { ...rest, name, ...(lane !== undefined && { accelerator: lane }) },
      status: {
        ...status,
        state_label: stateLabel(slug),
        severity: told,
        severity_label: severityLabel(told),
      },
    };
  });

function sum(counts: Record<string, number> = {}): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

test('property: the counts of a rollup sum to its total, in every map, and the rollup passes its schema', () => {
  holds(
    fc.property(fc.array(anyRecord, { maxLength: 30 }), (records) => {
      const rollup = rollUp(records, NOW);
      expect(v.is(RuntimeRollupSchema, rollup)).toBe(true);
      expect(rollup.total).toBe(records.length);
      expect(sum(rollup.states)).toBe(records.length);
      expect(sum(rollup.severity)).toBe(records.length);
      const lanes = Object.values(rollup.by_accelerator ?? {});
      expect(lanes.reduce((total, lane) => total + lane.total, 0)).toBe(records.length);
      for (const lane of lanes) expect(sum(lane.states)).toBe(lane.total);
      expect(rollup.alerts ?? []).toHaveLength(
        records.filter(({ status }) => status.severity !== 'info').length,
      );
      for (const { descriptor } of records) {
        expect(Object.keys(rollup.by_accelerator ?? {})).toContain(acceleratorLabel(descriptor.accelerator));
      }
    }),
    200,
  );
});

test('property: a node is ok only where every runtime is ready or stopped on purpose', () => {
  holds(
    fc.property(fc.array(anyRecord, { maxLength: 10 }), (records) => {
      const { code } = deriveNodeStatus({ supervisorEnabled: true, records });
      if (code !== 'ok') return;
      for (const { status } of records) {
        expect(['ready', 'offline']).toContain(status.state);
        expect(status.severity).toBe('info');
      }
    }),
  );
});
