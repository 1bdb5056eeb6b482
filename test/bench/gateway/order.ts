// Owns what the bench and its load generator say to each other, one line of JSON each.

import * as v from 'valibot';

export const OrderSchema = v.object({
  url: v.string(),
  headers: v.optional(v.record(v.string(), v.string()), {}),
  /** Requests at the same time, until `requests` are over. */
  streams: v.number(),
  requests: v.number(),
  body: v.record(v.string(), v.unknown()),
});
export type Order = v.InferInput<typeof OrderSchema>;

export const MeasuredSchema = v.object({
  seconds: v.number(),
  tokens: v.number(),
  /** From a request to the first byte of its answer's body. */
  firstMs: v.array(v.number()),
  /** From the sending of a token to its arrival; empty where the engine stamps none. */
  delaysMs: v.array(v.number()),
});
export type Measured = v.InferOutput<typeof MeasuredSchema>;
