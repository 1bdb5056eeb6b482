// Owns what readings are as measurements: each figure under its name, with what it is of. What was not read is not there.
// Pure.

import type { AcceleratorReading } from '../../contract/accelerator.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Host, HttpTelemetry } from '../../contract/snapshot.ts';
import { RUNTIME_STATES, type RuntimeState } from '../../contract/words.ts';
import type { Readings } from '../snapshot/snapshot.ts';
import type { InstrumentName } from './instruments.ts';

export type Attributes = Record<string, string>;
export type Measurement = {
  name: InstrumentName;
  value: number;
  attributes: Attributes;
  /** A count began anew then; without it, it is of the reporter's life. */
  since?: string;
};

type Figures = Partial<Record<InstrumentName, number | undefined>>;

export function measurements({ host, records, accelerators, http }: Readings): Measurement[] {
  return [
    ...ofHost(host),
    ...records.flatMap(ofRuntime),
    ...accelerators.flatMap(ofAccelerator),
    ...(http ? ofGateway(http) : []),
  ];
}

function ofHost(host: Host): Measurement[] {
  const { memory_total_bytes: total, memory_used_bytes: used } = host;
  return [
    ...told({ 'arw.host.load': host.load_ratio, 'system.memory.limit': total }),
    ...told({ 'system.memory.usage': used }, { 'system.memory.state': 'used' }),
  ];
}

function ofRuntime({ descriptor, status }: RuntimeRecord): Measurement[] {
  const { id, adapter, accelerator, sandbox, models = [] } = descriptor;
  const [model] = models;
  const attributes: Attributes = {
    'arw.runtime.id': id,
    'arw.runtime.adapter': adapter,
    ...(accelerator !== undefined && { 'arw.runtime.accelerator': accelerator }),
    ...(sandbox !== undefined && { 'arw.runtime.sandbox': sandbox }),
    // The figures of a router are of all its models.
    ...(models.length === 1 && model !== undefined && { 'gen_ai.request.model': model.id }),
  };
  const { health = {}, restart_budget: budget } = status;
  const latency = health.latency_ms;
  return [
    ...states('arw.runtime.state', RUNTIME_STATES, status.state, attributes, 'arw.runtime.state'),
    ...told(
      {
        'arw.runtime.slots': health.capacity,
        'arw.runtime.requests.active': health.inflight_jobs,
        'arw.runtime.requests.queued': health.queued_jobs,
        'arw.runtime.prompt_tokens.rate': health.prompt_tokens_per_second,
        'arw.runtime.predicted_tokens.rate': health.predicted_tokens_per_second,
        'arw.runtime.probe.duration': latency === undefined ? undefined : latency / 1000,
        'arw.runtime.restarts': status.restarts_total,
        'arw.runtime.restart_budget.limit': budget?.max_restarts,
        'arw.runtime.restart_budget.remaining': budget?.remaining,
      },
      attributes,
    ),
    ...told(
      { 'arw.runtime.requests': health.request_count, 'arw.runtime.errors': health.error_count },
      attributes,
      status.started_at,
    ),
  ];
}

/** The states that the conventions know for hardware. */
const HARDWARE_STATES = ['ok', 'degraded', 'failed'] as const;
const HARDWARE_STATE_OF: Partial<Record<RuntimeState, (typeof HARDWARE_STATES)[number]>> = {
  ready: 'ok',
  degraded: 'degraded',
  error: 'failed',
};

function ofAccelerator(reading: AcceleratorReading): Measurement[] {
  const { id, kind, name, driver, state, utilization_ratio: utilization } = reading;
  if (kind === 'cpu') return told({ 'system.cpu.utilization': utilization });
  const attributes: Attributes = {
    'hw.id': id,
    'hw.type': kind,
    'hw.name': name,
    ...(driver !== undefined && { 'hw.driver_version': driver }),
  };
  const isGpu = kind === 'gpu';
  const hardwareState = HARDWARE_STATE_OF[state];
  return [
    ...(hardwareState === undefined
      ? []
      : states('hw.status', HARDWARE_STATES, hardwareState, attributes, 'hw.state')),
    ...told(
      {
        ...(isGpu && {
          'hw.gpu.utilization': utilization,
          'hw.gpu.memory.limit': reading.memory_total_bytes,
          'hw.gpu.memory.usage': reading.memory_used_bytes,
        }),
        'hw.temperature': reading.temperature_celsius,
        'hw.power': reading.power_watts,
      },
      attributes,
    ),
  ];
}

function ofGateway({ hits, errors, inflight }: HttpTelemetry): Measurement[] {
  return told({
    'arw.gateway.requests': hits,
    'arw.gateway.errors': errors,
    'arw.gateway.requests.active': inflight,
  });
}

/** As the conventions tell a state: each one there is, with 1 for the one that it is. */
function states(
  name: InstrumentName,
  all: readonly string[],
  current: string,
  attributes: Attributes,
  key: string,
): Measurement[] {
  return all.map((state) => ({
    name,
    value: state === current ? 1 : 0,
    attributes: { ...attributes, [key]: state },
  }));
}

function told(figures: Figures, attributes: Attributes = {}, since?: string): Measurement[] {
  return Object.entries(figures).flatMap(([name, value]) =>
    value === undefined || !isInstrument(name, figures)
      ? []
      : [{ name, value, attributes, ...(since !== undefined && { since }) }],
  );
}

function isInstrument(name: string, figures: Figures): name is InstrumentName {
  return name in figures;
}
