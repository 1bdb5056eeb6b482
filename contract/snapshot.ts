// Owns `runtime.health`: the one payload in which a node tells everything about itself.

import * as v from 'valibot';
import { AcceleratorReadingSchema } from './accelerator.ts';
import { NodeIdSchema } from './ids.ts';
import { RuntimeRecordSchema } from './runtime-record.ts';
import { Count, Line, NonNegative, Ratio, Timestamp } from './scalars.ts';
import { SeveritySchema, StatusCodeSchema } from './words.ts';

/** The largest snapshot or frame that a hub takes, in bytes of UTF-8. */
export const SNAPSHOT_MAX_BYTES = 256 * 1024;

/** A status in words. `detail` has 1-8 lines, none blank, none twice. */
export const NodeStatusSchema = v.looseObject({
  code: StatusCodeSchema,
  severity: SeveritySchema,
  severity_label: Line,
  label: Line,
  detail: v.pipe(v.array(Line), v.minLength(1), v.maxLength(8)),
  aria_hint: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
});
export type NodeStatus = v.InferOutput<typeof NodeStatusSchema>;

const StateCounts = v.record(v.string(), Count);

/** The registry in sums. Maps and lists that would be empty are left out. */
export const RuntimeRollupSchema = v.looseObject({
  total: Count,
  updated: Timestamp,
  states: v.optional(StateCounts),
  severity: v.optional(StateCounts),
  alerts: v.optional(v.array(Line)),
  restart_pressure: v.optional(v.array(Line)),
  by_accelerator: v.optional(
    v.record(v.string(), v.looseObject({ total: Count, states: v.optional(StateCounts) })),
  ),
});
export type RuntimeRollup = v.InferOutput<typeof RuntimeRollupSchema>;

/**
 * What the host-local gateway saw; `window_*` cover the last `window_seconds`, the others the reporter's life. A request
 * counts when it is over. `avg_ewma_ms` is of whole answers, `ttft_ewma_ms` of the time to the first byte of streamed
 * ones.
 */
export const HttpTelemetrySchema = v.looseObject({
  routes: Count,
  hits: Count,
  errors: Count,
  error_rate: v.optional(Ratio),
  inflight: v.optional(Count),
  window_seconds: Count,
  window_hits: Count,
  window_errors: Count,
  avg_ewma_ms: v.optional(NonNegative),
  ttft_ewma_ms: v.optional(NonNegative),
  slow_routes: v.optional(v.array(Line)),
});
export type HttpTelemetry = v.InferOutput<typeof HttpTelemetrySchema>;

export const HostSchema = v.looseObject({
  os: Line,
  arch: Line,
  cpus: Count,
  memory_total_bytes: v.optional(Count),
  memory_used_bytes: v.optional(Count),
  load_ratio: v.optional(NonNegative),
});
export type Host = v.InferOutput<typeof HostSchema>;

export const ReporterSchema = v.looseObject({ version: Line, interval_ms: Count });

export const SnapshotSchema = v.looseObject({
  target: NodeIdSchema,
  generated: Timestamp,
  boot_id: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  seq: Count,
  reporter: ReporterSchema,
  host: HostSchema,
  status: NodeStatusSchema,
  kernel: v.looseObject({ enabled: v.boolean() }),
  http: v.optional(HttpTelemetrySchema),
  runtime: RuntimeRollupSchema,
  runtimes: v.array(RuntimeRecordSchema),
  accelerators: v.optional(v.array(AcceleratorReadingSchema)),
});
export type Snapshot = v.InferOutput<typeof SnapshotSchema>;
