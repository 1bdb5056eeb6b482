// Owns actions: work that a client asks the fleet for, and what became of it. One kind so far: a chat.

import * as v from 'valibot';
import { CommandErrorSchema } from './command.ts';
import { NodeIdSchema, RuntimeIdSchema } from './ids.ts';
import { NonNegative, Timestamp, wholeNumber } from './scalars.ts';

/** A body may hold pictures; it crosses the uplink in many records. */
export const ACTION_MAX_BYTES = 4 * 1024 * 1024;

const Name = v.pipe(v.string(), v.minLength(1), v.maxLength(256));

/** As OpenAI's protocol has it; what is in it is the engine's to judge. */
const MessageSchema = v.looseObject({
  role: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  content: v.union([v.string(), v.array(v.looseObject({ type: v.string() })), v.null()]),
});

/** Either a prompt or messages. `project` and `agent` say on whose behalf; what they may use is decided elsewhere. */
export const ChatInputSchema = v.pipe(
  v.strictObject({
    prompt: v.optional(v.string()),
    messages: v.optional(v.pipe(v.array(MessageSchema), v.minLength(1))),
    /** As a runtime lists it, `<runtime>/<model>`, or a runtime's id; left out, any that serves text. */
    model: v.optional(Name),
    node: v.optional(NodeIdSchema),
    project: v.optional(Name),
    agent: v.optional(Name),
    temperature: v.optional(NonNegative),
    max_tokens: v.optional(wholeNumber(1, 10_000_000)),
  }),
  v.check(
    ({ prompt, messages }) => (prompt === undefined) !== (messages === undefined),
    'must have either prompt or messages',
  ),
);
export type ChatInput = v.InferOutput<typeof ChatInputSchema>;

export const ACTION_KIND = 'chat.respond';
export const ActionRequestSchema = v.strictObject({ kind: v.literal(ACTION_KIND), input: ChatInputSchema });

export const ACTION_STATES = ['queued', 'running', 'completed', 'failed'] as const;
export const ActionStateSchema = v.picklist(ACTION_STATES);
export type ActionState = v.InferOutput<typeof ActionStateSchema>;

/** `reply` is absent where it was streamed to whoever asked: then it is kept nowhere. */
export const ChatOutputSchema = v.looseObject({
  backend: v.string(),
  model: v.optional(v.string()),
  node: NodeIdSchema,
  runtime: RuntimeIdSchema,
  reply: v.optional(v.looseObject({ role: v.string(), content: v.nullable(v.string()) })),
  latency_ms: NonNegative,
});
export type ChatOutput = v.InferOutput<typeof ChatOutputSchema>;

/** What `GET /actions/{id}` tells. */
export const ActionSchema = v.looseObject({
  id: v.string(),
  kind: v.string(),
  state: ActionStateSchema,
  node: NodeIdSchema,
  runtime: RuntimeIdSchema,
  project: v.optional(v.string()),
  agent: v.optional(v.string()),
  /** Left out in the answer that accepts it. */
  submitted_at: v.optional(Timestamp),
  finished_at: v.optional(Timestamp),
  output: v.optional(ChatOutputSchema),
  error: v.optional(CommandErrorSchema),
});
export type Action = v.InferOutput<typeof ActionSchema>;
