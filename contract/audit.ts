// Owns the audit log as an admin reads it: who asked for what, when, of which node or runtime.

import * as v from 'valibot';
import { COMMAND_KINDS, type CommandKind } from './command.ts';
import { NodeIdSchema, RuntimeIdSchema } from './ids.ts';
import { Count, Timestamp } from './scalars.ts';

const ADMINISTRATION = [
  'join_token.create',
  'node.enroll',
  'node.remove',
  'node.token.rotate',
  'job.cancel',
  'alert.set',
  'alert.remove',
  'alert.test',
] as const;

type RuntimeAction = `runtime.${CommandKind}`;

export function runtimeAction(kind: CommandKind): RuntimeAction {
  return `runtime.${kind}`;
}

export const AuditActionSchema = v.picklist([...ADMINISTRATION, ...COMMAND_KINDS.map(runtimeAction)]);
export type AuditAction = v.InferOutput<typeof AuditActionSchema>;

/** Whose token it was. `id` names the token and is no secret. */
export const ActorSchema = v.looseObject({ role: v.string(), id: v.string() });
export type Actor = { role: 'admin' | 'join-token'; id: string };

const AuditEntrySchema = v.looseObject({
  /** Grows with each entry. */
  id: Count,
  time: Timestamp,
  actor: ActorSchema,
  action: v.string(),
  node: v.optional(NodeIdSchema),
  runtime_id: v.optional(RuntimeIdSchema),
  job_id: v.optional(v.string()),
  args: v.optional(v.record(v.string(), v.unknown())),
  /** True where a limit was passed by because it was asked for. */
  forced: v.boolean(),
  request_id: v.string(),
});
export type AuditEntry = v.InferOutput<typeof AuditEntrySchema>;

/** Newest first. */
export const AuditSchema = v.looseObject({
  entries: v.array(AuditEntrySchema),
  next_cursor: v.optional(v.string()),
});
export type Audit = v.InferOutput<typeof AuditSchema>;
