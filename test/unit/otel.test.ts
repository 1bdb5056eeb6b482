// What is exported by OpenTelemetry: when, and which figures. What is not known is no figure.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AcceleratorReading } from '../../contract/accelerator.ts';
import { INSTRUMENTS } from '../../reporter/otel/instruments.ts';
import { measurements, type Measurement } from '../../reporter/otel/measurements.ts';
import { metricData } from '../../reporter/otel/metric-data.ts';
import { otelSecrets, otelSettings } from '../../reporter/otel/settings.ts';
import { runtimeRecord } from '../support/snapshot.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
const STANDARD = { protocol: 'http/protobuf', intervalMs: 60_000, timeoutMs: 30_000 };

describe('settings', () => {
  test.each([
    ['nothing is set', {}, undefined],
    ['an endpoint that is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, undefined],
    ['an endpoint', ENDPOINT, STANDARD],
    ['one for metrics alone', { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://a/v1/metrics' }, STANDARD],
    ['switched off', { ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }, undefined],
    ['not switched off', { ...ENDPOINT, OTEL_SDK_DISABLED: 'false' }, STANDARD],
    ['no exporter of metrics', { ...ENDPOINT, OTEL_METRICS_EXPORTER: 'none' }, undefined],
    [
      'JSON',
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      { ...STANDARD, protocol: 'http/json' },
    ],
    [
      'an interval that is shorter than the timeout',
      { ...ENDPOINT, OTEL_METRIC_EXPORT_INTERVAL: '5000' },
      { ...STANDARD, intervalMs: 5000, timeoutMs: 5000 },
    ],
  ])('%s', (_, env, settings) => {
    expect(otelSettings(env)).toEqual({ settings, notes: [] });
  });

  test('what cannot be used is told, and is no reason to end', () => {
    const grpc = otelSettings({ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
    expect(grpc).toEqual({ settings: undefined, notes: [expect.stringContaining('http/protobuf')] });
    const odd = otelSettings({ ...ENDPOINT, OTEL_METRIC_EXPORT_INTERVAL: '5s' });
    expect(odd).toEqual({
      settings: STANDARD,
      notes: ['OTEL_METRIC_EXPORT_INTERVAL="5s" is no whole number of milliseconds: 60000 is taken'],
    });
  });

  test('what authenticates is a secret', () => {
    expect(otelSecrets({ OTEL_EXPORTER_OTLP_HEADERS: 'api-key=abcdef123, x-mode=on,broken' })).toEqual([
      'abcdef123',
    ]);
  });
});

describe('metric data', () => {
  const NOW = Date.parse('2026-11-23T08:00:00.250Z');

  test('a count has since when it counts, a gauge has no sum, and what is not told is not there', async () => {
    const [api, sdk] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-metrics'),
    ]);
    const data = metricData(
      [
        { name: 'arw.runtime.requests', value: 7, attributes: {}, since: '2026-11-23T07:59:59.000Z' },
        { name: 'arw.gateway.requests', value: 9, attributes: {} },
        { name: 'arw.host.load', value: 0.5, attributes: {} },
      ],
      { api, sdk },
      NOW - 60_000,
      NOW,
    );
    const end = [NOW / 1000 - 0.25, 250_000_000];
    expect(data).toMatchObject([
      {
        descriptor: { name: 'arw.runtime.requests', unit: '{request}' },
        isMonotonic: true,
        dataPoints: [{ value: 7, startTime: [NOW / 1000 - 1.25, 0], endTime: end }],
      },
      { dataPoints: [{ value: 9, startTime: [NOW / 1000 - 60.25, 250_000_000], endTime: end }] },
      { descriptor: { name: 'arw.host.load' }, dataPointType: sdk.DataPointType.GAUGE },
    ]);
    expect(data).toHaveLength(3);
    expect(data[2]).not.toHaveProperty('isMonotonic');
  });
});

function of(all: Measurement[], name: string): number[] {
  return all.filter((one) => one.name === name).map(({ value }) => value);
}

describe('measurements', () => {
  const HOST = { os: 'linux', arch: 'x64', cpus: 2 };
  const none = { host: HOST, records: [], accelerators: [] };

  test('a host of which nothing was read has none', () => {
    expect(measurements(none)).toEqual([]);
  });

  test('a runtime that tells nothing has its state and its budget alone', () => {
    const all = measurements({ ...none, records: [runtimeRecord({ state: 'unknown' })] });
    expect(new Set(all.map(({ name }) => name))).toEqual(
      new Set([
        'arw.runtime.state',
        'arw.runtime.restart_budget.limit',
        'arw.runtime.restart_budget.remaining',
      ]),
    );
    const current = all.filter(({ name, value }) => name === 'arw.runtime.state' && value === 1);
    expect(current.map(({ attributes }) => attributes['arw.runtime.state'])).toEqual(['unknown']);
  });

  test('what a runtime tells is told in base units, under its id and its model', () => {
    const record = runtimeRecord({ id: 'a', model: 'm' });
    const health = { latency_ms: 12, capacity: 4, inflight_jobs: 0, predicted_tokens_per_second: 41.5 };
    const all = measurements({ ...none, records: [{ ...record, status: { ...record.status, health } }] });
    expect(of(all, 'arw.runtime.probe.duration')).toEqual([0.012]);
    expect(of(all, 'arw.runtime.slots')).toEqual([4]);
    // 0 that was read is a figure.
    expect(of(all, 'arw.runtime.requests.active')).toEqual([0]);
    expect(of(all, 'arw.runtime.requests.queued')).toEqual([]);
    const pace = all.find(({ name }) => name === 'arw.runtime.predicted_tokens.rate');
    expect(pace).toMatchObject({
      value: 41.5,
      attributes: { 'arw.runtime.id': 'a', 'gen_ai.request.model': 'm', 'arw.runtime.adapter': 'llama.cpp' },
    });
  });

  test('accelerators have the names of the conventions', () => {
    const gpu: AcceleratorReading = {
      id: 'gpu0',
      kind: 'gpu',
      accelerator: 'gpu_cuda',
      label: 'GPU (CUDA)',
      name: 'NVIDIA H100',
      state: 'degraded',
      memory_total_bytes: 80e9,
      temperature_celsius: 61,
    };
    const npu: AcceleratorReading = { ...gpu, id: 'npu0', kind: 'npu', state: 'unknown' };
    const all = measurements({ ...none, accelerators: [gpu, npu] });
    expect(of(all, 'hw.gpu.memory.limit')).toEqual([80e9]);
    expect(of(all, 'hw.gpu.memory.usage')).toEqual([]);
    expect(of(all, 'hw.temperature')).toEqual([61, 61]);
    // A state that is not known is none of those that the conventions name.
    expect(all.filter(({ name }) => name === 'hw.status')).toEqual(
      [0, 1, 0].map((value, index) => ({
        name: 'hw.status',
        value,
        attributes: {
          'hw.id': 'gpu0',
          'hw.type': 'gpu',
          'hw.name': 'NVIDIA H100',
          'hw.state': ['ok', 'degraded', 'failed'][index],
        },
      })),
    );
  });

  test('whatever is known or not: every figure is a number, once for what it is of', () => {
    const figure = fc.option(fc.nat(), { nil: undefined });
    const health = fc.record(
      { latency_ms: fc.nat(), capacity: fc.nat(), queued_jobs: fc.nat(), error_count: fc.nat() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(health, { maxLength: 4 }), figure, (healths, memory) => {
        const records = healths.map((each, index) => {
          const record = runtimeRecord({ id: `r${index}` });
          return { ...record, status: { ...record.status, health: each } };
        });
        const host = { ...HOST, ...(memory !== undefined && { memory_total_bytes: memory }) };
        const all = measurements({ host, records, accelerators: [] });
        const keys = all.map(({ name, attributes }) => JSON.stringify([name, attributes]));
        expect(new Set(keys).size).toBe(keys.length);
        for (const { name, value } of all) {
          expect(Number.isFinite(value)).toBe(true);
          expect(INSTRUMENTS).toHaveProperty([name]);
        }
        const told = healths.reduce(
          (sum, each) => sum + Object.keys(each).length,
          memory === undefined ? 0 : 1,
        );
        expect(all.length).toBe(told + records.length * 8);
      }),
    );
  });
});
