// The words for each phase of a runtime, as they cross the wire.

import { expect, test } from 'vitest';
import * as v from 'valibot';
import { RuntimeStatusSchema, type RuntimeStatus } from '../../contract/runtime-record.ts';
import { severityLabel, stateLabel } from '../../contract/words.ts';
import { describe } from '../../reporter/supervisor/describe.ts';
import type { Observation } from '../../reporter/supervisor/state.ts';
import { FAILING, LOADING, MachineDriver, READY, TOKENLESS } from '../support/machine-driver.ts';

const SLEEPING: Observation = { ...READY, sleeping: true };
const PARTIAL: Observation = {
  ...READY,
  notes: ['Slots unknown (HTTP 501)', 'Throughput unknown (timeout)'],
};
const loading = (sizeBytes?: number): Observation => ({
  kind: 'loading',
  detail: 'Loading model',
  model: { name: 'llama-3.3-70b-q4.gguf', ...(sizeBytes !== undefined && { sizeBytes }) },
});
const IMPAIRED: Observation = {
  ...READY,
  warning: '1 of 3 models failed',
  notes: ['Model broken failed (exit code 1)'],
};
const STUCK: Observation = {
  ...READY,
  work: { kind: 'busy', slots: 1, mark: 'tiny-a 0:1', model: 'tiny-a' },
};
const LONG = 'x'.repeat(400);

function told(m: MachineDriver): RuntimeStatus {
  return describe('llama', m.state, m.nowMs, m.nowMs, m.policy);
}

type Row = {
  phase: string;
  lead: (m: MachineDriver) => MachineDriver;
  state: string;
  severity: string;
  summary: string;
  detail: string[];
};

const rows: Row[] = [
  {
    phase: 'resting',
    lead: (m) => m,
    state: 'offline',
    severity: 'info',
    summary: 'Stopped',
    detail: ['Stopped on purpose; start or restore brings it back'],
  },
  {
    phase: 'launching',
    lead: (m) => m.start(),
    state: 'starting',
    severity: 'info',
    summary: 'Launching',
    detail: [],
  },
  {
    phase: 'launching after a crash',
    lead: (m) => m.toServing().exited('Process crashed', 0.5).after(500).timer('wait'),
    state: 'starting',
    severity: 'warn',
    summary: 'Restarting (Process crashed)',
    detail: [],
  },
  {
    phase: 'launching after what blocked it',
    lead: (m) => m.start().blocked('no such file').after(10_000).timer('wait'),
    state: 'starting',
    severity: 'info',
    summary: 'Launching',
    detail: [],
  },
  {
    phase: 'loading, before the server answers',
    lead: (m) => m.start().spawned().after(1_600),
    state: 'starting',
    severity: 'info',
    summary: 'Waiting for the server to answer',
    detail: ['Starting for 2 s, limit 30 s'],
  },
  {
    phase: 'loading a model',
    lead: (m) => m.start().spawned().observed(LOADING).after(12_000),
    state: 'starting',
    severity: 'info',
    summary: 'Loading model',
    detail: ['Starting for 12 s, limit 30 s'],
  },
  {
    phase: 'loading a model of which the size is known',
    lead: (m) => m.start().spawned().observed(loading(42_520_395_000)).after(31_000),
    state: 'starting',
    severity: 'info',
    summary: 'Loading model',
    detail: ['Loading llama-3.3-70b-q4.gguf (42.5 GB), 31 s so far, limit 30 s'],
  },
  {
    phase: 'loading a small model',
    lead: (m) => m.start().spawned().observed(loading(488_000)),
    state: 'starting',
    severity: 'info',
    summary: 'Loading model',
    detail: ['Loading llama-3.3-70b-q4.gguf (488.0 kB), 0 s so far, limit 30 s'],
  },
  {
    phase: 'loading a model of which the size is unknown',
    lead: (m) => m.start().spawned().observed(loading()).after(5_000),
    state: 'starting',
    severity: 'info',
    summary: 'Loading model',
    detail: ['Loading llama-3.3-70b-q4.gguf, 5 s so far, limit 30 s'],
  },
  {
    phase: 'serving',
    lead: (m) => m.toServing(),
    state: 'ready',
    severity: 'info',
    summary: 'Ready',
    detail: [],
  },
  {
    phase: 'serving with figures that are unknown',
    lead: (m) => m.toServing().observed(PARTIAL),
    state: 'ready',
    severity: 'info',
    summary: 'Ready',
    detail: ['Slots unknown (HTTP 501)', 'Throughput unknown (timeout)'],
  },
  {
    phase: 'serving a model that sleeps',
    lead: (m) => m.toServing().observed(SLEEPING),
    state: 'ready',
    severity: 'info',
    summary: 'Ready (sleeping; the next request wakes it)',
    detail: [],
  },
  {
    phase: 'serving with one failed look',
    lead: (m) => m.toServing().observed(FAILING),
    state: 'ready',
    severity: 'info',
    summary: 'Ready',
    detail: ['Last probe failed (timeout after 3000 ms)'],
  },
  {
    phase: 'serving with two failed looks',
    lead: (m) => m.toServing().observed(FAILING).after(12_000).observed(FAILING),
    state: 'degraded',
    severity: 'warn',
    summary: 'Probe failing (timeout after 3000 ms)',
    detail: ['No good answer for 12 s', '3 of 3 restarts left'],
  },
  {
    phase: 'failing without headroom',
    lead: (m) => m.toServing().exhaust().observed(FAILING).observed(FAILING),
    state: 'degraded',
    severity: 'warn',
    summary: 'Probe failing (timeout after 3000 ms)',
    detail: ['No good answer for 0 s', 'Restart budget exhausted; resets at 2026-11-22T12:10:01.000Z'],
  },
  {
    phase: 'serving as a router of which one model failed',
    lead: (m) => m.toServing().observed(IMPAIRED),
    state: 'ready',
    severity: 'warn',
    summary: 'Ready (1 of 3 models failed)',
    detail: ['Model broken failed (exit code 1)'],
  },
  {
    phase: 'serving as a router of which one model is wedged, and no headroom',
    lead: (m) => m.toServing().exhaust().observed(STUCK).after(60_000).observed(STUCK),
    state: 'degraded',
    severity: 'warn',
    summary: 'Wedged: tiny-a has 1 busy slot, no token for 60 s',
    detail: ['Restart budget exhausted; resets at 2026-11-22T12:10:01.000Z'],
  },
  {
    phase: 'serving with one idle probe that failed',
    lead: (m) => m.toServing().observed(TOKENLESS).observed(READY),
    state: 'ready',
    severity: 'info',
    summary: 'Ready',
    detail: ['Last idle probe failed (no token within 30 s)'],
  },
  {
    phase: 'at rest and without a token twice, and no headroom',
    lead: (m) => m.toServing().exhaust().observed(TOKENLESS).observed(TOKENLESS),
    state: 'degraded',
    severity: 'warn',
    summary: 'Idle probe failing (no token within 30 s)',
    detail: ['Restart budget exhausted; resets at 2026-11-22T12:10:01.000Z'],
  },
  {
    phase: 'stopping on purpose',
    lead: (m) => m.toServing().shutdown().after(3_000),
    state: 'offline',
    severity: 'info',
    summary: 'Stopping',
    detail: ['SIGTERM sent; waiting for process 101 since 3 s'],
  },
  {
    phase: 'killed',
    lead: (m) => m.toServing().shutdown().after(5_000).timer('kill').after(1_000),
    state: 'offline',
    severity: 'info',
    summary: 'Stopping',
    detail: ['SIGKILL sent; waiting for process 101 since 6 s'],
  },
  {
    phase: 'stopping for a restore',
    lead: (m) => m.toServing().restore(),
    state: 'starting',
    severity: 'info',
    summary: 'Restarting',
    detail: ['SIGTERM sent; waiting for process 101 since 0 s'],
  },
  {
    phase: 'stopping since it was not ready in time',
    lead: (m) => m.start().spawned().timer('load'),
    state: 'degraded',
    severity: 'warn',
    summary: 'Not ready within 30 s',
    detail: ['SIGTERM sent; waiting for process 101 since 0 s'],
  },
  {
    phase: 'waiting after a crash',
    lead: (m) => m.toServing().exited('Process crashed', 0.5),
    state: 'starting',
    severity: 'warn',
    summary: 'Restarting in 0.5 s (Process crashed)',
    detail: ['3 of 3 restarts left'],
  },
  {
    phase: 'waiting, since it is blocked',
    lead: (m) => m.start().blocked('Model file x does not exist').after(2_000),
    state: 'error',
    severity: 'error',
    summary: 'Model file x does not exist',
    detail: ['Checked again in 13.0 s; no restart was spent'],
  },
  {
    phase: 'failed',
    lead: (m) => m.toServing().exhaust().exited('Process crashed'),
    state: 'error',
    severity: 'error',
    summary: 'Process crashed',
    detail: ['Restart budget exhausted; resets at 2026-11-22T12:10:01.000Z'],
  },
  {
    phase: 'failed for a very long reason',
    lead: (m) => m.toServing().exhaust().exited(LONG),
    state: 'error',
    severity: 'error',
    summary: `${'x'.repeat(239)}…`,
    detail: ['Restart budget exhausted; resets at 2026-11-22T12:10:01.000Z'],
  },
];

test.each(rows)('$phase: $state', ({ lead, state, severity, summary, detail }) => {
  const status = told(lead(new MachineDriver()));
  expect(status).toMatchObject({ id: 'llama', state, severity, summary, detail });
  expect(status.state_label).toBe(stateLabel(status.state));
  expect(status.severity_label).toBe(severityLabel(status.severity));
  expect(v.parse(RuntimeStatusSchema, status)).toEqual(status);
});

test('restarts that are switched off are said to be', () => {
  const m = new MachineDriver({ budget: { maxRestarts: 0, windowMs: 600_000 } }).toServing().exited();
  expect(told(m).detail).toEqual(['Automatic restarts are switched off (budget 0)']);
});

test('a budget frees in words at the moment it frees', () => {
  const m = new MachineDriver().toServing().exhaust().exited().after(600_000);
  expect(told(m).detail[0]).toMatch(/^[123] of 3 restarts left$/);
});

test('the process is told while there is one, with its start; its last exit after it', () => {
  const m = new MachineDriver().toServing();
  expect(told(m)).toMatchObject({ pid: 101, started_at: '2026-11-22T12:00:00.000Z', restarts_total: 0 });
  expect(told(m)).not.toHaveProperty('last_exit');
  m.after(1_000).exited();
  expect(told(m)).not.toHaveProperty('pid');
  expect(told(m)).not.toHaveProperty('started_at');
  expect(told(m).last_exit).toEqual({ code: 1, signal: null, at: '2026-11-22T12:00:01.000Z' });
});

test('figures are told while they are read, and left out once reading fails or the process stops', () => {
  const m = new MachineDriver().toServing();
  expect(told(m).health).toEqual({ capacity: 4 });
  m.observed(FAILING);
  expect(told(m).health).toEqual({ capacity: 4 });
  m.observed(FAILING);
  expect(told(m)).not.toHaveProperty('health');
  m.observed(READY);
  expect(told(m).health).toEqual({ capacity: 4 });
  m.shutdown();
  expect(told(m)).not.toHaveProperty('health');
});
