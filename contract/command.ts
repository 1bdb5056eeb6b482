// Owns commands: an operator's intent on its way to a node, and the job that tells its life.

import * as v from 'valibot';
import { NodeIdSchema, RuntimeIdSchema } from './ids.ts';
import { RestartBudgetSchema } from './runtime-record.ts';
import { Count, Line, Timestamp, wholeNumber } from './scalars.ts';
import { SandboxKindSchema } from './words.ts';

export const COMMAND_KINDS = [
  'restore',
  'start',
  'shutdown',
  'drain',
  'undrain',
  'load',
  'unload',
  'switch',
  'budget',
] as const;
export const CommandKindSchema = v.picklist(COMMAND_KINDS);
export type CommandKind = v.InferOutput<typeof CommandKindSchema>;

const PresetName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be a preset name'));

/** `restart: false` starts a runtime only where it is not running; `force` spends past an empty budget. */
export const RestoreArgsSchema = v.strictObject({
  restart: v.optional(v.boolean()),
  preset: v.optional(PresetName),
  force: v.optional(v.boolean()),
});

export const NoArgsSchema = v.strictObject({});

/** Longest wait for the slots of a draining runtime: shorter than a hub waits for the end of a command. */
export const DRAIN_TIMEOUT_MAX_SECONDS = 3000;

/**
 * No new work, and once the slots are empty what `then` says: `hold` leaves it up and draining until an undrain.
 * Not empty after `timeout_seconds` (default 300), the command fails and the runtime goes on draining.
 */
const DrainArgsSchema = v.strictObject({
  // oxlint-disable-next-line unicorn/no-thenable -- a word of the wire: a text, which nobody can call.
  then: v.optional(v.picklist(['hold', 'shutdown', 'restart'])),
  timeout_seconds: v.optional(wholeNumber(1, DRAIN_TIMEOUT_MAX_SECONDS)),
});

/** `model` as the runtime lists it. */
const ModelArgsSchema = v.strictObject({
  model: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
});

/** At least one of them; what is left out stays as it is. Costs one restart where the runtime is up. */
const SwitchArgsSchema = v.pipe(
  v.strictObject({ preset: v.optional(PresetName), sandbox: v.optional(SandboxKindSchema) }),
  v.check(
    ({ preset, sandbox }) => preset !== undefined || sandbox !== undefined,
    'must name a preset or a sandbox',
  ),
);

export const BUDGET_MAX_RESTARTS = 1000;
export const BUDGET_MAX_WINDOW_SECONDS = 30 * 86_400;

/** At least one of them; what is left out stays as it is. Holds until the next one, over restarts of the reporter. */
const BudgetArgsSchema = v.pipe(
  v.strictObject({
    max_restarts: v.optional(wholeNumber(0, BUDGET_MAX_RESTARTS)),
    window_seconds: v.optional(wholeNumber(1, BUDGET_MAX_WINDOW_SECONDS)),
  }),
  v.check(
    ({ max_restarts, window_seconds }) => max_restarts !== undefined || window_seconds !== undefined,
    'must name max_restarts or window_seconds',
  ),
);

/** The arguments that each kind takes. */
export const COMMAND_ARGS = {
  restore: RestoreArgsSchema,
  start: NoArgsSchema,
  shutdown: NoArgsSchema,
  drain: DrainArgsSchema,
  undrain: NoArgsSchema,
  load: ModelArgsSchema,
  unload: ModelArgsSchema,
  switch: SwitchArgsSchema,
  budget: BudgetArgsSchema,
} as const satisfies Record<CommandKind, v.GenericSchema>;

const act = <const Kind extends CommandKind>(kind: Kind) =>
  v.object({ kind: v.literal(kind), args: COMMAND_ARGS[kind] });

/** What a command asks for: a kind with the arguments that it takes. */
export const ActSchema = v.variant('kind', [
  act('restore'),
  act('start'),
  act('shutdown'),
  act('drain'),
  act('undrain'),
  act('load'),
  act('unload'),
  act('switch'),
  act('budget'),
]);
export type Act = v.InferOutput<typeof ActSchema>;

export const CommandErrorSchema = v.looseObject({ reason: Line, message: Line });
export type CommandError = v.InferOutput<typeof CommandErrorSchema>;

const ResultSchema = v.record(v.string(), v.unknown());

/** A command as a node receives it, in a frame or in the answer to a POST. */
export const CommandSchema = v.looseObject({
  type: v.literal('command'),
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  kind: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  runtime: RuntimeIdSchema,
  args: v.record(v.string(), v.unknown()),
  issued_at: Timestamp,
  expires_at: Timestamp,
  attempt: Count,
  /** HMAC-SHA-256 over `commandSigningText`, base64url, keyed by the bytes that the node's `command_key` encodes. */
  signature: v.optional(v.string()),
});
export type Command = v.InferOutput<typeof CommandSchema>;

/** What decides what happens, where and until when; the attempt does not. */
export type CommandCore = Pick<Command, 'id' | 'kind' | 'runtime' | 'args' | 'issued_at' | 'expires_at'>;

/** The text that the signature of a command covers. */
export function commandSigningText(node: string, command: CommandCore): string {
  const { id, kind, runtime, args, issued_at, expires_at } = command;
  return JSON.stringify(['arw.command.v1', node, id, kind, runtime, args, issued_at, expires_at]);
}

/**
 * Asks a node not to begin a command, or to end the reading of a log, which needs no signature. What has begun is not
 * undone by it.
 */
export const CommandCancelSchema = v.looseObject({
  type: v.literal('command.cancel'),
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  /** Over `cancelSigningText`, as the signature of a command. */
  signature: v.optional(v.string()),
});
export type CommandCancel = v.InferOutput<typeof CommandCancelSchema>;

export function cancelSigningText(node: string, id: string): string {
  return JSON.stringify(['arw.command.cancel.v1', node, id]);
}

export const JOB_STATES = [
  'queued',
  'delivered',
  'running',
  'completed',
  'failed',
  'expired',
  'cancelled',
] as const;
export const JobStateSchema = v.picklist(JOB_STATES);
export type JobState = v.InferOutput<typeof JobStateSchema>;

/** True once nothing more will happen to the job. */
export function isFinalJobState(state: JobState): boolean {
  switch (state) {
    case 'queued':
    case 'delivered':
    case 'running':
      return false;
    case 'completed':
    case 'failed':
    case 'expired':
    case 'cancelled':
      return true;
    default:
      return state satisfies never;
  }
}

/** The life of a command as an operator reads it. */
export const JobSchema = v.looseObject({
  job_id: v.string(),
  kind: v.string(),
  node: NodeIdSchema,
  runtime_id: RuntimeIdSchema,
  args: v.record(v.string(), v.unknown()),
  state: JobStateSchema,
  delivered: v.boolean(),
  attempts: Count,
  issued_at: Timestamp,
  expires_at: Timestamp,
  delivered_at: v.optional(Timestamp),
  received_at: v.optional(Timestamp),
  /** Its node was asked not to begin it. */
  cancel_requested_at: v.optional(Timestamp),
  finished_at: v.optional(Timestamp),
  result: v.optional(ResultSchema),
  error: v.optional(CommandErrorSchema),
});
export type Job = v.InferOutput<typeof JobSchema>;

/** Newest first. */
export const JobsSchema = v.looseObject({
  jobs: v.array(JobSchema),
  unreached_shards: v.optional(v.array(Count)),
  next_cursor: v.optional(v.string()),
});
export type Jobs = v.InferOutput<typeof JobsSchema>;

/** The answer to an accepted command: `202`. */
export const CommandAcceptedSchema = v.looseObject({
  ok: v.literal(true),
  runtime_id: RuntimeIdSchema,
  node: NodeIdSchema,
  pending: v.literal(true),
  delivered: v.boolean(),
  restart_budget: v.optional(RestartBudgetSchema),
  job_id: v.string(),
});
export type CommandAccepted = v.InferOutput<typeof CommandAcceptedSchema>;

/** The answer to a restore that the budget forbids: `429`, beside the members of its problem document. */
export const BudgetRefusalSchema = v.looseObject({
  ok: v.literal(false),
  runtime_id: RuntimeIdSchema,
  node: NodeIdSchema,
  pending: v.literal(false),
  reason: v.literal('Restart budget exhausted'),
  restart_budget: RestartBudgetSchema,
  job_id: v.string(),
});
export type BudgetRefusal = v.InferOutput<typeof BudgetRefusalSchema>;
