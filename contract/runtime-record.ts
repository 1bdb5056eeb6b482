// Owns the shape of one supervised runtime as it crosses the wire: what it is, how it fares, what budget is left.

import * as v from 'valibot';
import { AcceleratorSchema } from './accelerator.ts';
import { RuntimeIdSchema } from './ids.ts';
import { Count, Line, NonNegative, Ratio, Timestamp } from './scalars.ts';
import { RuntimeStateSchema, SeveritySchema } from './words.ts';

export const ModelSchema = v.looseObject({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  state: v.picklist(['unloaded', 'loading', 'loaded', 'sleeping', 'downloading', 'failed', 'unknown']),
  context: v.optional(Count),
});
export type Model = v.InferOutput<typeof ModelSchema>;

export const RuntimeDescriptorSchema = v.looseObject({
  id: RuntimeIdSchema,
  name: Line,
  adapter: Line,
  profile: v.optional(Line),
  modalities: v.array(Line),
  accelerator: v.optional(AcceleratorSchema),
  tags: v.optional(v.record(v.string(), v.string())),
  models: v.optional(v.array(ModelSchema)),
  sandbox: v.optional(Line),
  /** Those that its manifest has, by name; absent where nobody told, as of an older reporter. */
  presets: v.optional(v.array(Line)),
  /** The one in force; absent where it runs as its manifest has it without one. */
  preset: v.optional(Line),
});
export type RuntimeDescriptor = v.InferOutput<typeof RuntimeDescriptorSchema>;

/** What the runtime says of its load and pace. Each figure is absent when it could not be read. */
export const RuntimeHealthSchema = v.looseObject({
  latency_ms: v.optional(NonNegative),
  capacity: v.optional(Count),
  inflight_jobs: v.optional(Count),
  queued_jobs: v.optional(Count),
  request_count: v.optional(Count),
  error_count: v.optional(Count),
  error_rate: v.optional(Ratio),
  prompt_tokens_per_second: v.optional(NonNegative),
  predicted_tokens_per_second: v.optional(NonNegative),
});
export type RuntimeHealth = v.InferOutput<typeof RuntimeHealthSchema>;

/**
 * A sliding window of restarts. `reset_at` is when the next one is free again: when the oldest that counts leaves the
 * window. Absent while none is in it, and where the budget is 0.
 */
export const RestartBudgetSchema = v.looseObject({
  window_seconds: Count,
  max_restarts: Count,
  used: Count,
  remaining: Count,
  reset_at: v.optional(Timestamp),
});
export type RestartBudget = v.InferOutput<typeof RestartBudgetSchema>;

export const LastExitSchema = v.looseObject({
  code: v.nullable(v.number()),
  signal: v.nullable(v.string()),
  at: Timestamp,
});

export const RuntimeStatusSchema = v.looseObject({
  id: RuntimeIdSchema,
  state: RuntimeStateSchema,
  state_label: Line,
  severity: SeveritySchema,
  severity_label: Line,
  summary: Line,
  detail: v.array(Line),
  updated_at: Timestamp,
  health: v.optional(RuntimeHealthSchema),
  /** It takes no new work. */
  draining: v.optional(v.boolean()),
  restart_budget: v.optional(RestartBudgetSchema),
  pid: v.optional(Count),
  started_at: v.optional(Timestamp),
  restarts_total: v.optional(Count),
  last_exit: v.optional(LastExitSchema),
});
export type RuntimeStatus = v.InferOutput<typeof RuntimeStatusSchema>;

export const RuntimeRecordSchema = v.looseObject({
  descriptor: RuntimeDescriptorSchema,
  status: RuntimeStatusSchema,
});
export type RuntimeRecord = v.InferOutput<typeof RuntimeRecordSchema>;

/** True where a switch to what is named has nothing to do. A preset that an older reporter does not tell may differ. */
export function isInForce(
  { descriptor }: RuntimeRecord,
  { preset, sandbox }: { preset?: unknown; sandbox?: unknown },
): boolean {
  return (
    (preset === undefined || preset === descriptor.preset) &&
    (sandbox === undefined || sandbox === descriptor.sandbox)
  );
}
