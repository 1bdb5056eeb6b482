// Owns whether metrics are exported, and how often: OpenTelemetry's standard variables. Those of the exporter itself
// (endpoint, headers, timeout, certificates) are read by the exporter.

import type { Environment } from '../config.ts';

export type OtelSettings = {
  protocol: 'http/protobuf' | 'http/json';
  intervalMs: number;
  timeoutMs: number;
};

/** The standard's own defaults. */
const INTERVAL_MS = 60_000;
const TIMEOUT_MS = 30_000;

/** A shorter value stands in ordinary words. */
const SECRET_MIN_LENGTH = 6;

/** As a timer takes it. */
const MS_MAX = 2 ** 31 - 1;

/**
 * Undefined where nothing is to be exported. What cannot be used is told in `notes` and never keeps a reporter from its
 * work.
 */
export function otelSettings(env: Environment): { settings: OtelSettings | undefined; notes: string[] } {
  const isWanted = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'].some((name) =>
    wordOf(env, name),
  );
  const isOff =
    wordOf(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true' ||
    wordOf(env, 'OTEL_METRICS_EXPORTER') === 'none';
  if (!isWanted || isOff) return { settings: undefined, notes: [] };
  const protocol =
    wordOf(env, 'OTEL_EXPORTER_OTLP_METRICS_PROTOCOL') ??
    wordOf(env, 'OTEL_EXPORTER_OTLP_PROTOCOL') ??
    'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') {
    const note = `no metrics are exported: the protocol "${protocol}" is not spoken here; set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf or http/json, and the endpoint to the collector's HTTP port`;
    return { settings: undefined, notes: [note] };
  }
  const notes: string[] = [];
  const intervalMs = milliseconds(env, 'OTEL_METRIC_EXPORT_INTERVAL', INTERVAL_MS, notes);
  const timeoutMs = milliseconds(env, 'OTEL_METRIC_EXPORT_TIMEOUT', TIMEOUT_MS, notes);
  return { settings: { protocol, intervalMs, timeoutMs: Math.min(timeoutMs, intervalMs) }, notes };
}

/** The values of the headers, which authenticate: for the redaction of logs. */
export function otelSecrets(env: Environment): string[] {
  return ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_METRICS_HEADERS'].flatMap((name) =>
    (wordOf(env, name) ?? '').split(',').flatMap((pair) => {
      const value = pair.slice(pair.indexOf('=') + 1).trim();
      return pair.includes('=') && value.length >= SECRET_MIN_LENGTH ? [value] : [];
    }),
  );
}

function milliseconds(env: Environment, name: string, otherwise: number, notes: string[]): number {
  const text = wordOf(env, name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= MS_MAX) return value;
  notes.push(`${name}="${text}" is no whole number of milliseconds: ${otherwise} is taken`);
  return otherwise;
}

/** An empty variable counts as one that is not set, as the standard has it. */
function wordOf(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === '' ? undefined : text;
}
