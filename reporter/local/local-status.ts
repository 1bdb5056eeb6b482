// Owns what a reporter tells on its own host, hub or no hub: the shape of the answer to GET /status.

import * as v from 'valibot';
import { SnapshotSchema } from '../../contract/snapshot.ts';
import { Timestamp } from '../../contract/scalars.ts';

const UplinkStateSchema = v.object({
  hub: v.string(),
  /** `enrolling`: this host has no token yet. */
  state: v.picklist(['enrolling', 'trying', 'connected']),
  since: Timestamp,
  way: v.optional(v.picklist(['websocket', 'post'])),
  /** When the hub last said that it took a snapshot. By WebSocket it says so of the first one only. */
  last_accepted_at: v.optional(Timestamp),
  /** Why it is not connected. */
  reason: v.optional(v.string()),
});
export type UplinkState = v.InferOutput<typeof UplinkStateSchema>;

export const LocalStatusSchema = v.object({
  reporter: v.object({
    pid: v.number(),
    version: v.string(),
    started_at: Timestamp,
    manifest: v.string(),
    state_dir: v.string(),
  }),
  uplink: UplinkStateSchema,
  snapshot: SnapshotSchema,
});
export type LocalStatus = v.InferOutput<typeof LocalStatusSchema>;
