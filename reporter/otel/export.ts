// Owns the export of metrics by OpenTelemetry's own packages, which are loaded here alone: a reporter that exports nothing
// never loads them. A collector that is away or slow is told of once, and holds up nothing.

import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricProducer, PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Readings } from '../snapshot/snapshot.ts';
import { measurements } from './measurements.ts';
import { metricData } from './metric-data.ts';
import type { OtelSettings } from './settings.ts';

/** The last figures are worth no longer wait: a reporter that is told to end ends. */
const LAST_WORDS_MS = 1000;

export type OtelExport = { stop(): Promise<void> };

export type OtelOptions = {
  settings: OtelSettings;
  node: string;
  version: string;
  log: Log;
  readings: () => Readings;
};

export async function startOtelExport(options: OtelOptions): Promise<OtelExport> {
  const { settings, node, version, log, readings } = options;
  const [api, sdk, resources, exporter] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-metrics'),
    import('@opentelemetry/resources'),
    exporterFor(settings.protocol),
  ]);
  let isTaken = true;
  const startedAtMs = Date.now();
  const producer: MetricProducer = {
    async collect() {
      const metrics = metricData(measurements(readings()), { sdk, api }, startedAtMs, Date.now());
      const scopeMetrics = [{ scope: { name: 'arw-reporter', version }, metrics }];
      // The resource is that of the provider.
      return { resourceMetrics: { resource: resources.emptyResource(), scopeMetrics }, errors: [] };
    },
  };
  const reader = new sdk.PeriodicExportingMetricReader({
    metricProducers: [producer],
    exporter: telling(exporter, log, (taken) => (isTaken = taken)),
    exportIntervalMillis: settings.intervalMs,
    exportTimeoutMillis: settings.timeoutMs,
  });
  // What the operator says in OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES comes last, and counts.
  const resource = resources
    .resourceFromAttributes({
      'service.name': 'arw-reporter',
      'service.version': version,
      'service.instance.id': node,
      'host.name': hostname(),
      'arw.node': node,
    })
    .merge(resources.detectResources({ detectors: [resources.envDetector] }));
  const provider = new sdk.MeterProvider({ resource, readers: [reader] });
  return {
    async stop() {
      // Who did not take the last figures would not take these either.
      if (!isTaken) return;
      const ended = provider.shutdown().catch(() => undefined);
      await Promise.race([ended, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
    },
  };
}

async function exporterFor(protocol: OtelSettings['protocol']): Promise<PushMetricExporter> {
  switch (protocol) {
    case 'http/protobuf':
      return new (await import('@opentelemetry/exporter-metrics-otlp-proto')).OTLPMetricExporter();
    case 'http/json':
      return new (await import('@opentelemetry/exporter-metrics-otlp-http')).OTLPMetricExporter();
    default:
      return protocol satisfies never;
  }
}

/** Lets the exporter say in the log when it begins to fail and when it works again: once each. */
function telling(
  exporter: PushMetricExporter,
  log: Log,
  onResult: (isTaken: boolean) => void,
): PushMetricExporter {
  let wasTaken: boolean | undefined;
  const send = exporter.export.bind(exporter);
  exporter.export = (metrics, callback) =>
    send(metrics, (result) => {
      const isTaken = result.error === undefined;
      onResult(isTaken);
      if (isTaken && wasTaken === false) log.info('OpenTelemetry: the collector takes metrics again');
      if (!isTaken && wasTaken !== false) {
        const reason = messageOf(result.error);
        log.warn(`OpenTelemetry: the collector takes no metrics (${reason}); said once, they are offered on`);
      }
      wasTaken = isTaken;
      callback(result);
    });
  return exporter;
}
