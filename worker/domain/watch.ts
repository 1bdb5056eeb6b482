// Owns for how long a shard goes on telling what is only told while somebody subscribes to it.

import * as v from 'valibot';

/** Kinds of events that a shard makes only while they are wanted. */
export const TopicSchema = v.picklist(['runtime.health', 'state.read.model.patch']);
export type Topic = v.InferOutput<typeof TopicSchema>;

/** A lease outlives a renewal that failed, and the next one. */
export const WATCH_RENEW_MS = 60_000;
export const WATCH_LEASE_MS = 150_000;
