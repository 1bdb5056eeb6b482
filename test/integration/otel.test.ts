// The reporter's export by OpenTelemetry, as a process: what arrives at a collector, and what a bad collector cannot do.

import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { FakeHub } from '../support/fake-hub.ts';
import { OtlpCollector, type Point } from '../support/otlp-collector.ts';
import { Host } from '../support/reporter-host.ts';

const EVERY = { OTEL_METRIC_EXPORT_INTERVAL: '200' };

/** Says on stderr which package is loaded. */
const TELL_LOADS = `data:text/javascript,${encodeURIComponent(
  'import { registerHooks } from "node:module"; registerHooks({ resolve(name, context, next) { if (name.startsWith("@opentelemetry/")) process.stderr.write("loads " + name + "\\n"); return next(name, context); } });',
)}`;

async function reporting(env: Record<string, string>) {
  const host = await Host.prepare();
  await host.superviseStub();
  const hub = await FakeHub.start();
  const running = host.start(hub.url, { ...EVERY, ...env });
  await running.program.ready;
  return { hub, running };
}

function isReady({ name, value, attributes }: Point): boolean {
  return name === 'arw.runtime.state' && value === 1 && attributes['arw.runtime.state'] === 'ready';
}

test.each([['http/protobuf'], ['http/json']])(
  '%s: what the reporter knows arrives decoded',
  async (protocol) => {
    const collector = await OtlpCollector.open();
    const { running } = await reporting({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a-secret-key',
      OTEL_SERVICE_NAME: 'reporters',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=lab',
    });
    const batch = await eventually('a runtime is told to be ready', () =>
      collector.batches.find(
        ({ points }) => points.some(isReady) && points.some(({ name }) => name === 'arw.runtime.slots'),
      ),
    );
    expect(collector.faults).toEqual([]);
    expect(batch.type).toBe(protocol === 'http/json' ? 'application/json' : 'application/x-protobuf');
    expect(batch.headers['api-key']).toBe('a-secret-key');
    expect(batch.resource).toMatchObject({
      'service.name': 'reporters',
      'deployment.environment.name': 'lab',
      'arw.node': 'gpu-01',
      'service.version': expect.any(String),
    });
    const of = (name: string): Point[] => batch.points.filter((point) => point.name === name);
    expect(of('arw.runtime.restarts')).toEqual([
      expect.objectContaining({ kind: 'counter', unit: '{restart}', value: 0 }),
    ]);
    expect(of('arw.runtime.slots')).toEqual([expect.objectContaining({ kind: 'up-down-counter' })]);
    expect(of('arw.runtime.state').filter(({ value }) => value === 1)).toHaveLength(1);
    expect(of('arw.runtime.state').filter(({ value }) => value === 0)).toHaveLength(5);
    expect(of('system.memory.limit')[0]?.value).toBeGreaterThan(0);
    // No test host has a GPU whose figures could be told.
    expect(of('hw.gpu.memory.usage').every(({ value }) => value > 0)).toBe(true);

    const before = collector.batches.length;
    await running.program.stop();
    expect(collector.batches.length).toBeGreaterThan(before);
  },
);

test('without the variables nothing of OpenTelemetry is loaded; with them it is', async () => {
  const { running } = await reporting({ NODE_OPTIONS: `--import=${TELL_LOADS}` });
  await eventually('the runtime is looked at', () => running.lines.some((line) => line.includes('ready')));
  expect(running.lines.filter((line) => line.startsWith('loads '))).toEqual([]);

  const collector = await OtlpCollector.open();
  const exporting = await reporting({
    NODE_OPTIONS: `--import=${TELL_LOADS}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });
  await exporting.running.says('loads @opentelemetry/sdk-metrics');
  const off = await reporting({
    NODE_OPTIONS: `--import=${TELL_LOADS}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SDK_DISABLED: 'true',
  });
  expect(off.running.lines.filter((line) => line.startsWith('loads '))).toEqual([]);
});

test('a collector that refuses is told of once, and again when it takes metrics', async () => {
  const collector = await OtlpCollector.open();
  collector.manner = 'refusing';
  const { hub, running } = await reporting({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  await running.says('the collector takes no metrics');
  const { asked } = collector;
  await eventually('it was offered metrics again and again', () => collector.asked >= asked + 5);
  const told = (): string[] => running.lines.filter((line) => line.includes('OpenTelemetry'));
  expect(told()).toHaveLength(1);
  expect(hub.snapshots.length).toBeGreaterThan(0);
  collector.manner = 'polite';
  await running.says('the collector takes metrics again');
  expect(told()).toHaveLength(2);
});

test('a collector that is silent holds up neither the start nor the end', async () => {
  const collector = await OtlpCollector.open();
  collector.manner = 'silent';
  const { running } = await reporting({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  await eventually('it was asked', () => collector.asked > 0);
  await running.program.stop();
  expect((await running.program.ended).exitCode).toBe(0);
});
