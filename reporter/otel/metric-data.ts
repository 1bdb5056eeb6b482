// Owns measurements in the form of OpenTelemetry's SDK. Its own instruments are not used: they go on telling the last value
// of a series that is told no more, and what is not known any more must not be told.

import type { HrTime } from '@opentelemetry/api';
import type { DataPoint, MetricData } from '@opentelemetry/sdk-metrics';
import { INSTRUMENTS, type InstrumentName } from './instruments.ts';
import type { Measurement } from './measurements.ts';

/** The words of the SDK, which is not loaded here. */
export type SdkWords = {
  sdk: Pick<typeof import('@opentelemetry/sdk-metrics'), 'AggregationTemporality' | 'DataPointType'>;
  api: Pick<typeof import('@opentelemetry/api'), 'ValueType'>;
};

/** @param startedAtMs since when the reporter counts. */
export function metricData(
  all: readonly Measurement[],
  { sdk, api }: SdkWords,
  startedAtMs: number,
  nowMs: number,
): MetricData[] {
  return [...Map.groupBy(all, ({ name }) => name)].map(([name, points]) => {
    const { kind, unit, description } = INSTRUMENTS[name];
    const data = {
      descriptor: { name, unit, description, valueType: api.ValueType.DOUBLE },
      aggregationTemporality: sdk.AggregationTemporality.CUMULATIVE,
      dataPoints: points.map((point) => dataPoint(point, startedAtMs, nowMs)),
    };
    return kind === 'gauge'
      ? { ...data, dataPointType: sdk.DataPointType.GAUGE }
      : { ...data, dataPointType: sdk.DataPointType.SUM, isMonotonic: isCounter(name) };
  });
}

function isCounter(name: InstrumentName): boolean {
  return INSTRUMENTS[name].kind === 'counter';
}

function dataPoint(
  { value, attributes, since }: Measurement,
  startedAtMs: number,
  nowMs: number,
): DataPoint<number> {
  const begun = since === undefined ? startedAtMs : Math.min(Date.parse(since), nowMs);
  return { startTime: timeOf(begun), endTime: timeOf(nowMs), attributes, value };
}

function timeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
