// Owns what a shard is told of an action that it is to take: what was asked for, and how it is to be answered.

import * as v from 'valibot';
import { ChatInputSchema } from '../../contract/actions.ts';

export const ActionWishSchema = v.object({
  input: ChatInputSchema,
  /** Decided among several shards already. */
  chosen: v.optional(v.object({ node: v.string(), runtime: v.string() })),
  /** The engine's own events, as they come; else the action's id at once. */
  wantsStream: v.boolean(),
  idempotencyKey: v.optional(v.string()),
  /** SHA-256 of what is asked, hex, where there is a key. */
  digest: v.string(),
  place: v.object({ index: v.number(), shards: v.number() }),
});
export type ActionWish = v.InferOutput<typeof ActionWishSchema>;
