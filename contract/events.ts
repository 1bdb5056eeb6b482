// Owns events: what happened in the fleet, as subscribers hear of it. Kinds, payloads, and the envelope around them.

import * as v from 'valibot';
import { CommandErrorSchema, JobStateSchema } from './command.ts';
import { NodeIdSchema, RuntimeIdSchema } from './ids.ts';
import { ModelsChangedSchema } from './models-changed.ts';
import { UplinkSchema } from './read-models.ts';
import { Count, Line, NonNegative, Timestamp } from './scalars.ts';
import { SnapshotSchema } from './snapshot.ts';
import { RuntimeStateSchema, SeveritySchema } from './words.ts';

/** The subprotocol of the WebSocket under `/events`. */
export const EVENTS_PROTOCOL = 'arw.events.v1';

/** A subscriber of the WebSocket says `ack <n>` with the sum of the lengths of all messages it has dealt with. */
export const EVENTS_ACK = 'ack ';

/** What may be on its way to one subscriber without an `ack`, in UTF-16 code units of messages. */
export const EVENTS_WINDOW = 2 * 1024 * 1024;

/** Close codes of the WebSocket under `/events`. */
export const CLOSE_SLOW_READER = 4008;
export const CLOSE_SILENT_READER = 4009;

/** A WebSocket subscriber that has said neither `ping` nor anything else for so long counts as gone. */
export const EVENTS_SILENCE_MAX_MS = 180_000;

/** The most events that `replay` may ask for. */
export const REPLAY_MAX = 1000;

export const EVENT_KINDS = [
  'runtime.health',
  'runtime.state.changed',
  'runtime.budget.exhausted',
  'runtime.budget.restored',
  'runtime.restore.requested',
  'runtime.restore.completed',
  'jobs.changed',
  'runtime.claim.acquired',
  'runtime.claim.released',
  'models.changed',
  'policy.decision',
  'policy.reloaded',
  'leases.created',
  'leases.renewed',
  'leases.released',
  'leases.expired',
  'node.online',
  'node.stale',
  'node.removed',
  'node.drained',
  'actions.submitted',
  'actions.running',
  'actions.completed',
  'actions.failed',
  'state.read.model.patch',
  /** Of the stream itself, whatever the filter is. Something is missing before this event. */
  'stream.gap',
  /** Of the stream itself, whatever the filter is: the last event, and why it is the last one. */
  'stream.end',
] as const;
export const EventKindSchema = v.picklist(EVENT_KINDS);
export type EventKind = v.InferOutput<typeof EventKindSchema>;

const named = { node: NodeIdSchema, runtime: RuntimeIdSchema };

/**
 * What a node says of a runtime is another state than what it said before. `from` is `unknown` where nothing was said;
 * `removed` where the runtime has left the registry of its node, and then `to` is `unknown`.
 */
const RuntimeStateChangedSchema = v.looseObject({
  ...named,
  from: RuntimeStateSchema,
  to: RuntimeStateSchema,
  severity: SeveritySchema,
  summary: Line,
  removed: v.optional(v.literal(true)),
});

/** No restart is left of a window that has some, or one is left again. */
const BudgetSchema = v.looseObject({
  ...named,
  max_restarts: Count,
  window_seconds: Count,
  remaining: Count,
  reset_at: v.optional(Timestamp),
});

const RestoreRequestedSchema = v.looseObject({
  ...named,
  job_id: v.string(),
  args: v.record(v.string(), v.unknown()),
});

const RestoreCompletedSchema = v.looseObject({
  ...named,
  job_id: v.string(),
  ok: v.boolean(),
  state: JobStateSchema,
  result: v.optional(v.record(v.string(), v.unknown())),
  error: v.optional(CommandErrorSchema),
});

/** A command is in another state than before; `GET /orchestrator/jobs/{job_id}` tells all of it. */
const JobChangedSchema = v.looseObject({
  ...named,
  job_id: v.string(),
  kind: v.string(),
  state: JobStateSchema,
  from: v.optional(JobStateSchema),
  error: v.optional(CommandErrorSchema),
});

/** A first word, or the first one after a silence that `node.stale` told of; then `silent_since` is its last one before. */
const NodeOnlineSchema = v.looseObject({
  node: NodeIdSchema,
  received_at: Timestamp,
  uplink: UplinkSchema,
  silent_since: v.optional(Timestamp),
});

/** Nothing was heard for the TTL. Told once for each silence. */
const NodeStaleSchema = v.looseObject({
  node: NodeIdSchema,
  received_at: Timestamp,
  expires_at: Timestamp,
  label: Line,
});

/** `retention`: it was silent for longer than a hub remembers, and may come back; `operator`: it may not. */
const NodeRemovedSchema = v.looseObject({
  node: NodeIdSchema,
  reason: v.picklist(['retention', 'operator']),
  received_at: v.optional(Timestamp),
});

/** RFC 6902. */
export const PatchOperationSchema = v.variant('op', [
  v.looseObject({ op: v.literal('add'), path: v.string(), value: v.unknown() }),
  v.looseObject({ op: v.literal('replace'), path: v.string(), value: v.unknown() }),
  v.looseObject({ op: v.literal('remove'), path: v.string() }),
]);
export type PatchOperation = v.InferOutput<typeof PatchOperationSchema>;

/**
 * Turns one shard's part of a read model from the version `base` into `version`; the grid is one part, whose `shard` is
 * `fleet`. See docs/api.md.
 */
const ReadModelPatchSchema = v.looseObject({
  id: v.picklist(['runtime_matrix', 'runtime_supervisor', 'runtime_grid', 'policy_leases']),
  shard: v.string(),
  base: v.number(),
  version: v.number(),
  patch: v.array(PatchOperationSchema),
});

/**
 * `trimmed`: the log does not reach back that far; `unlogged`: what is asked for is in no log; `unknown-id`: this hub
 * never gave the id; `lost`: a part of the hub could not tell what happened. Whoever keeps state loads it again.
 */
export const GAP_REASONS = ['trimmed', 'unlogged', 'unknown-id', 'lost'] as const;
const StreamGapSchema = v.looseObject({ reason: v.picklist(GAP_REASONS), message: v.string() });
export type StreamGap = v.InferOutput<typeof StreamGapSchema>;

/** `slow-reader`, or `hub-gone`: the hub's object restarted, or cannot be reached. Connect again and resume. */
const StreamEndSchema = v.looseObject({
  reason: v.picklist(['slow-reader', 'hub-gone']),
  message: v.string(),
});
export type StreamEnd = v.InferOutput<typeof StreamEndSchema>;

/** An action and where it went. `actions.failed` has `error`, and `latency_ms` as `actions.completed` has. */
const ActionToldSchema = v.looseObject({
  ...named,
  id: v.string(),
  kind: v.string(),
  backend: v.string(),
  model: v.optional(v.string()),
  project: v.optional(v.string()),
  agent: v.optional(v.string()),
  latency_ms: v.optional(NonNegative),
});
const ActionFailedSchema = v.looseObject({ ...ActionToldSchema.entries, error: CommandErrorSchema });

/** Payloads of the kinds that this hub makes. The others are named, so that nobody gives them another meaning. */
export const EVENT_PAYLOADS = {
  'runtime.health': SnapshotSchema,
  'runtime.state.changed': RuntimeStateChangedSchema,
  'runtime.budget.exhausted': BudgetSchema,
  'runtime.budget.restored': BudgetSchema,
  'jobs.changed': JobChangedSchema,
  'runtime.restore.requested': RestoreRequestedSchema,
  'runtime.restore.completed': RestoreCompletedSchema,
  'models.changed': ModelsChangedSchema,
  'node.online': NodeOnlineSchema,
  'node.stale': NodeStaleSchema,
  'node.removed': NodeRemovedSchema,
  'actions.submitted': ActionToldSchema,
  'actions.running': ActionToldSchema,
  'actions.completed': ActionToldSchema,
  'actions.failed': ActionFailedSchema,
  'state.read.model.patch': ReadModelPatchSchema,
  'stream.gap': StreamGapSchema,
  'stream.end': StreamEndSchema,
} as const satisfies Partial<Record<EventKind, v.GenericSchema>>;

type Payloads = typeof EVENT_PAYLOADS;

const SCHEMAS: Partial<Record<EventKind, v.GenericSchema>> = EVENT_PAYLOADS;

/** Undefined for a kind that this hub does not make. */
export function payloadSchemaOf(kind: EventKind): v.GenericSchema | undefined {
  return SCHEMAS[kind];
}

export type EventPayload<Kind extends EventKind> = Kind extends keyof Payloads
  ? v.InferOutput<Payloads[Kind]>
  : Record<string, unknown>;

/** An event that has no number yet. */
export type EventDraft = {
  [Kind in EventKind]: { time: string; kind: Kind; payload: EventPayload<Kind> };
}[EventKind];

/**
 * An event as a WebSocket message; over SSE `id` and `kind` are also the fields `id` and `event`, and the rest is `data`.
 * `id` is decimal and only ever grows; an event of the stream itself may have none.
 */
export const EventSchema = v.looseObject({
  id: v.optional(v.pipe(v.string(), v.regex(/^\d+$/))),
  time: Timestamp,
  kind: v.string(),
  payload: v.record(v.string(), v.unknown()),
});
export type Event = v.InferOutput<typeof EventSchema>;

/**
 * Kinds that are in no log: each is as frequent as heartbeats, and would cost a row each. A resumed stream that asks for
 * them begins with a `stream.gap`.
 */
export function isLogged(kind: EventKind): boolean {
  return kind !== 'runtime.health' && kind !== 'state.read.model.patch' && kind !== 'stream.end';
}
