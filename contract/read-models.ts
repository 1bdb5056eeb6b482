// Owns the read models that a hub serves: the matrix, the supervisor view, what freshness adds to them, and the registry.

import * as v from 'valibot';
import { NodeIdSchema } from './ids.ts';
import { RuntimeRecordSchema, RuntimeStatusSchema } from './runtime-record.ts';
import { Count, NonNegative, Timestamp } from './scalars.ts';
import { NodeStatusSchema, SnapshotSchema } from './snapshot.ts';

export const UplinkSchema = v.picklist(['open', 'closed', 'post']);
export type Uplink = v.InferOutput<typeof UplinkSchema>;

/** Judged by the hub's clock alone; ages are as of the view's `updated`. */
export const FreshnessSchema = v.looseObject({
  received_at: Timestamp,
  expires_at: Timestamp,
  age_seconds: NonNegative,
  stale: v.boolean(),
  uplink: UplinkSchema,
});
export type Freshness = v.InferOutput<typeof FreshnessSchema>;

/** A snapshot with its freshness. Where stale, `status` says offline and `last_status` is what the node last said. */
export const MatrixItemSchema = v.looseObject({
  ...SnapshotSchema.entries,
  ...FreshnessSchema.entries,
  runtimes: v.optional(v.array(RuntimeRecordSchema)),
  last_status: v.optional(NodeStatusSchema),
});
export type MatrixItem = v.InferOutput<typeof MatrixItemSchema>;

/**
 * By shard: the last patch that a view contains, as `state.read.model.patch` counts them; 0 where nobody subscribes to
 * them. `counts` says how many of the `runtimes` are of each shard, in this order.
 */
const Versions = v.record(v.string(), Count);

/**
 * Shards that still hold nodes, from before their number was changed, and could not be reached: those nodes are missing.
 * Left out where none is.
 */
export const UnreachedShards = v.optional(v.array(Count));

export const MatrixSchema = v.looseObject({
  items: v.record(v.string(), MatrixItemSchema),
  ttl_seconds: Count,
  updated: Timestamp,
  version: Count,
  versions: v.optional(Versions),
  unreached_shards: UnreachedShards,
  next_cursor: v.optional(v.string()),
});
export type Matrix = v.InferOutput<typeof MatrixSchema>;

/** A record in its fleet. Where its node is stale its state is `unknown` and `last_status` is what was last said. */
export const SupervisorRecordSchema = v.looseObject({
  ...RuntimeRecordSchema.entries,
  node: v.string(),
  stale: v.boolean(),
  last_status: v.optional(RuntimeStatusSchema),
});
export type SupervisorRecord = v.InferOutput<typeof SupervisorRecordSchema>;

export const SupervisorSchema = v.looseObject({
  updated_at: Timestamp,
  versions: v.optional(Versions),
  counts: v.optional(v.record(v.string(), Count)),
  unreached_shards: UnreachedShards,
  runtimes: v.array(SupervisorRecordSchema),
});
export type Supervisor = v.InferOutput<typeof SupervisorSchema>;

/** Who is enrolled, heard or not: a node that has been silent for longer than the hub keeps is in no other book. */
export const NodesSchema = v.looseObject({
  nodes: v.array(v.looseObject({ node: NodeIdSchema, enrolled_at: Timestamp })),
});
export type Nodes = v.InferOutput<typeof NodesSchema>;
