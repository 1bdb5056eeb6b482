// Owns the text frames of the uplink, `arw.uplink.v1`: JSON objects told apart by `type`. Binary ones are in
// relay-records.ts.

import * as v from 'valibot';
import { CommandCancelSchema, CommandErrorSchema, CommandSchema } from './command.ts';
import { NodeIdSchema } from './ids.ts';
import { LogChunkSchema } from './logs.ts';
import { ProblemSchema } from './problem.ts';
import {
  RelayCancelSchema,
  RelayEndSchema,
  RelayHeadSchema,
  RelayMovedSchema,
  RelayOpenSchema,
  RelayUploadSchema,
} from './relay.ts';
import { Count, Line, Timestamp } from './scalars.ts';
import { SnapshotSchema } from './snapshot.ts';

export const UPLINK_PROTOCOL = 'arw.uplink.v1';

/** Text frames that the platform answers itself, so that a heartbeat check never wakes an object. */
export const UPLINK_PING = 'ping';
export const UPLINK_PONG = 'pong';

/** Close codes of the uplink, in the range that applications own. */
export const CLOSE_REPLACED = 4001;
export const CLOSE_REJECTED = 4003;
export const CLOSE_REVOKED = 4004;

const CommandId = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

const HelloSchema = v.looseObject({
  type: v.literal('hello'),
  node: NodeIdSchema,
  boot_id: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  reporter: v.looseObject({ version: Line }),
  /** What this node can do beyond what every node can. A hub ignores those that it does not know. */
  features: v.optional(v.pipe(v.array(v.string()), v.maxLength(32))),
});

/** `ack: true` asks for one `health.ack`; a heartbeat normally goes unanswered. */
const HealthSchema = v.looseObject({
  type: v.literal('health'),
  ack: v.optional(v.boolean()),
  snapshot: SnapshotSchema,
});

const CommandReceivedSchema = v.looseObject({ type: v.literal('command.received'), id: CommandId });

const CommandDoneSchema = v.variant('ok', [
  v.looseObject({
    type: v.literal('command.done'),
    id: CommandId,
    ok: v.literal(true),
    result: v.optional(v.record(v.string(), v.unknown())),
  }),
  v.looseObject({
    type: v.literal('command.done'),
    id: CommandId,
    ok: v.literal(false),
    error: CommandErrorSchema,
  }),
]);
export type CommandDone = v.InferOutput<typeof CommandDoneSchema>;

/** Node to hub. */
export const NodeFrameSchema = v.variant('type', [
  HelloSchema,
  HealthSchema,
  CommandReceivedSchema,
  CommandDoneSchema,
  LogChunkSchema,
  RelayHeadSchema,
  RelayMovedSchema,
  RelayEndSchema,
]);
export type NodeFrame = v.InferOutput<typeof NodeFrameSchema>;
export const NODE_FRAME_TYPES: readonly string[] = [
  'hello',
  'health',
  'command.received',
  'command.done',
  'log.chunk',
  'relay.head',
  'relay.moved',
  'relay.end',
];

const WelcomeSchema = v.looseObject({
  type: v.literal('welcome'),
  ttl_seconds: Count,
  interval_ms: Count,
  server_time: Timestamp,
});
export type Welcome = v.InferOutput<typeof WelcomeSchema>;

/** Hub to node. A node ignores types that it does not know: the hub may be newer. */
export const HubFrameSchema = v.variant('type', [
  WelcomeSchema,
  CommandSchema,
  CommandCancelSchema,
  v.looseObject({ type: v.literal('health.ack'), boot_id: v.string(), seq: Count }),
  v.looseObject({ type: v.literal('reject'), problem: ProblemSchema }),
  RelayOpenSchema,
  RelayCancelSchema,
  RelayUploadSchema,
]);
export type HubFrame = v.InferOutput<typeof HubFrameSchema>;
