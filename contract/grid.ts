// Owns the grid: the fleet as cells, one for each model on each hardware in each sandbox, and what all of it adds up to.

import * as v from 'valibot';
import { Count, Line, NonNegative, Ratio, Timestamp } from './scalars.ts';
import { NodeStatusSchema } from './snapshot.ts';

const Counts = v.record(v.string(), Count);

/**
 * What runtimes add up to. A figure that none of them told is left out; it is never 0. `capacity` is of those that take
 * new work. `load_ratio` is of those that told both their slots and how many are busy. `predicted_tokens_per_second`
 * adds their paces, `error_rate` weighs by requests, `latency_ms` is the mean of the runtimes. A runtime whose node is
 * stale counts in `states` as `unknown` and in `silent`, and nothing else of it counts.
 */
const SumsSchema = v.object({
  nodes: Count,
  runtimes: Count,
  states: Counts,
  silent: Count,
  draining: Count,
  capacity: v.optional(Count),
  inflight: v.optional(Count),
  queued: v.optional(Count),
  load_ratio: v.optional(Ratio),
  predicted_tokens_per_second: v.optional(NonNegative),
  error_rate: v.optional(Ratio),
  latency_ms: v.optional(NonNegative),
});
export type GridSums = v.InferOutput<typeof SumsSchema>;

/**
 * A model, a piece of hardware and a sandbox, each as runtimes name it; left out where they do not. `hardware` is the
 * accelerator's label and, where it is known, the device: `GPU (CUDA) · H100 80GB`.
 */
export const GridCellSchema = v.looseObject({
  model: v.optional(v.string()),
  hardware: Line,
  sandbox: v.optional(Line),
  status: NodeStatusSchema,
  ...SumsSchema.entries,
  /** What the runtimes say of the model: `loaded`, `unloaded`, `failed` … */
  model_states: Counts,
  /** Slots under a lease. Left out by a hub that knows no leases. */
  leased: v.optional(Count),
});
export type GridCell = v.InferOutput<typeof GridCellSchema>;

/** A runtime that serves several models is in several cells, and here once. `restarts_*` are of live nodes. */
export const GridTotalsSchema = v.looseObject({
  cells: Count,
  ...SumsSchema.entries,
  stale_nodes: Count,
  restarts_max: v.optional(Count),
  restarts_remaining: v.optional(Count),
  /** Runtimes that had a budget and have spent all of it. */
  restarts_exhausted: v.optional(Count),
});
export type GridTotals = v.InferOutput<typeof GridTotalsSchema>;

/** `totals` are of the whole fleet, whatever cells a filter shows. */
export const GridSchema = v.looseObject({
  cells: v.array(GridCellSchema),
  totals: GridTotalsSchema,
  ttl_seconds: Count,
  updated: Timestamp,
  version: Count,
  /** The last patch that it contains, under `fleet`, as `state.read.model.patch` counts them; 0 where nobody subscribes. */
  versions: v.optional(v.record(v.string(), Count)),
  unreached_shards: v.optional(v.array(Count)),
  next_cursor: v.optional(v.string()),
});
export type Grid = v.InferOutput<typeof GridSchema>;
