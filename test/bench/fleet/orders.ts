// Owns what a bench and the process of its simulated fleet say to each other.

import * as v from 'valibot';
import { RuntimeStateSchema } from '../../../contract/words.ts';

export const OrderSchema = v.variant('order', [
  v.object({
    order: v.literal('start'),
    wanted: v.object({
      hub: v.object({ url: v.string(), token: v.string() }),
      nodes: v.number(),
      sockets: v.number(),
      floodingSockets: v.exactOptional(v.number()),
      atATime: v.exactOptional(v.number()),
      firstReports: v.exactOptional(v.number()),
      connections: v.exactOptional(v.number()),
      prefix: v.exactOptional(v.string()),
    }),
  }),
  /** null ends it. */
  v.object({ order: v.literal('report'), intervalMs: v.nullable(v.number()) }),
  v.object({ order: v.literal('flood'), way: v.picklist(['socket', 'post']), seconds: v.number() }),
  v.object({ order: v.literal('change'), index: v.number(), state: RuntimeStateSchema }),
]);
export type Order = v.InferOutput<typeof OrderSchema>;

const CommandSchema = v.object({ node: v.string(), id: v.string(), kind: v.string(), atMs: v.number() });

export const ToldSchema = v.variant('told', [
  /** An order was carried out; they are, one after the other. */
  v.object({ told: v.literal('done'), value: v.unknown() }),
  v.object({ told: v.literal('failed'), reason: v.string() }),
  v.object({ told: v.literal('command'), command: CommandSchema }),
]);
export type Told = v.InferOutput<typeof ToldSchema>;

export const FloodedSchema = v.object({ accepted: v.number(), seconds: v.number() });
export type Flooded = v.InferOutput<typeof FloodedSchema>;

export const ChangedSchema = v.object({ sentMs: v.number(), ackedMs: v.number() });
export type Changed = v.InferOutput<typeof ChangedSchema>;
