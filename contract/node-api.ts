// Owns the bodies of the node side over HTTP: enrolment, the POST heartbeat, command progress.

import * as v from 'valibot';
import { CommandCancelSchema, CommandErrorSchema, CommandSchema } from './command.ts';
import { NodeIdSchema } from './ids.ts';
import { Count, Timestamp } from './scalars.ts';

const Secret = v.pipe(v.string(), v.minLength(1), v.maxLength(256));

export const EnrollRequestSchema = v.looseObject({ join_token: Secret, node: NodeIdSchema });

export const EnrollResponseSchema = v.looseObject({
  node: NodeIdSchema,
  token: Secret,
  ttl_seconds: Count,
  interval_ms: Count,
  /** base64url: its bytes are the key under which the hub signs commands for this node. */
  command_key: Secret,
});
export type EnrollResponse = v.InferOutput<typeof EnrollResponseSchema>;

/** The answer to `POST /nodes/{node}/health`: what `welcome` says, and the commands that wait. */
export const HealthResponseSchema = v.looseObject({
  ttl_seconds: Count,
  interval_ms: Count,
  server_time: Timestamp,
  commands: v.array(CommandSchema),
  /** Commands that must not begin any more. */
  cancels: v.optional(v.array(CommandCancelSchema)),
});
export type HealthResponse = v.InferOutput<typeof HealthResponseSchema>;

/** The body of `POST /nodes/{node}/commands/{id}`. */
export const CommandProgressSchema = v.variant('state', [
  v.looseObject({ state: v.literal('received') }),
  v.looseObject({
    state: v.literal('completed'),
    result: v.optional(v.record(v.string(), v.unknown())),
  }),
  v.looseObject({ state: v.literal('failed'), error: CommandErrorSchema }),
]);
export type CommandProgress = v.InferOutput<typeof CommandProgressSchema>;

const DAY_SECONDS = 86_400;

export const JoinTokenRequestSchema = v.strictObject({
  uses: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000))),
  ttl_secs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(30 * DAY_SECONDS))),
});

export const JoinTokenResponseSchema = v.looseObject({ join_token: Secret, expires_at: Timestamp });
export type JoinTokenResponse = v.InferOutput<typeof JoinTokenResponseSchema>;

/** The body of `POST /nodes/{node}/token/rotate`: for how long the token that is replaced still works. */
export const TokenRotateRequestSchema = v.strictObject({
  overlap_secs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(7 * DAY_SECONDS))),
});

export const TokenRotateResponseSchema = v.looseObject({
  node: NodeIdSchema,
  token: Secret,
  previous_until: Timestamp,
});
export type TokenRotateResponse = v.InferOutput<typeof TokenRotateResponseSchema>;
