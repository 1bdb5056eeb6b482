// Owns for how long a shard goes on telling what is only told while somebody subscribes to it.

import * as v from 'valibot';

/** Kinds of events that a shard makes only while they are wanted. */
export const TopicSchema = v.picklist(['runtime.health', 'state.read.model.patch']);
export type Topic = v.InferOutput<typeof TopicSchema>;

/** A longer patch is told as none that fits: loading again costs less. */
export const PATCH_MAX_LENGTH = 256 * 1024;

/** A lease outlives a renewal that failed, and the next one. */
export const WATCH_RENEW_MS = 60_000;
export const WATCH_LEASE_MS = 150_000;

/** A shard that could not be told is told again soon: until then whoever subscribes hears nothing of its nodes. */
export const WATCH_AGAIN_MS = 2000;
