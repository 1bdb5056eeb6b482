// Owns alerts: where a hub tells of problems by itself, which ones, and the message that a generic receiver gets.

import * as v from 'valibot';
import { NodeIdSchema, RuntimeIdSchema } from './ids.ts';
import { Count, Line, NonNegative, Timestamp, wholeNumber } from './scalars.ts';
import { SeveritySchema } from './words.ts';

export const AlertIdSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be 1-63 lower-case letters, digits, ".", "_" or "-"'),
);

/** How the message is written. */
export const ALERT_SHAPES = ['generic', 'slack', 'discord'] as const;
export const AlertShapeSchema = v.picklist(ALERT_SHAPES);
export type AlertShape = v.InferOutput<typeof AlertShapeSchema>;

/** What may be wrong: a runtime does not serve, a node is silent, a runtime has no restart left. */
export const ALERT_KINDS = ['runtime.state', 'node.stale', 'budget.exhausted'] as const;
export const AlertKindSchema = v.picklist(ALERT_KINDS);
export type AlertKind = v.InferOutput<typeof AlertKindSchema>;

export const ALERT_GRACE_DEFAULT_SECONDS = 60;

/** As Standard Webhooks has it: the letters are base64 of the key's bytes, and padded in full where they are. */
const SecretSchema = v.pipe(
  v.string(),
  v.regex(
    /^whsec_(?=[^=]{32,86}={0,2}$)(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/,
    'must be "whsec_" and 24 to 64 bytes in base64',
  ),
);

/** Left out: all of them. */
const few = <Item extends v.GenericSchema<string>>(item: Item) =>
  v.optional(v.pipe(v.array(item), v.minLength(1), v.maxLength(64)));

/**
 * `PUT /alerts/{id}`. `url` and `secret` may be left out where the alert exists and keeps them; a `secret` of null
 * takes it away.
 */
export const AlertRequestSchema = v.strictObject({
  shape: v.optional(AlertShapeSchema),
  url: v.optional(v.pipe(v.string(), v.maxLength(2048))),
  secret: v.optional(v.nullable(SecretSchema)),
  kinds: few(AlertKindSchema),
  nodes: few(NodeIdSchema),
  runtimes: few(RuntimeIdSchema),
  min_severity: v.optional(v.picklist(['warn', 'error'])),
  grace_seconds: v.optional(wholeNumber(0, 86_400)),
  recoveries: v.optional(v.boolean()),
  enabled: v.optional(v.boolean()),
});
export type AlertRequest = v.InferOutput<typeof AlertRequestSchema>;

/** A problem, or its end: exactly one of each is told of an opening. */
export const AlertItemSchema = v.looseObject({
  status: v.picklist(['open', 'resolved']),
  /** The same in the message that opens and in the one that ends. */
  key: v.string(),
  kind: AlertKindSchema,
  node: NodeIdSchema,
  runtime: v.optional(RuntimeIdSchema),
  severity: SeveritySchema,
  summary: Line,
  since: Timestamp,
  resolved_at: v.optional(Timestamp),
});
export type AlertItem = v.InferOutput<typeof AlertItemSchema>;

/** The body that a generic receiver gets. A `test` has no items. */
export const AlertMessageSchema = v.looseObject({
  type: v.picklist(['alert', 'alert.test']),
  alert: AlertIdSchema,
  time: Timestamp,
  text: v.string(),
  items: v.array(AlertItemSchema),
});
export type AlertMessage = v.InferOutput<typeof AlertMessageSchema>;

/** An alert as it is read: the URL is a secret of most receivers, so only its origin is told. */
export const AlertSchema = v.looseObject({
  id: AlertIdSchema,
  shape: AlertShapeSchema,
  target: v.string(),
  signed: v.boolean(),
  kinds: v.array(AlertKindSchema),
  nodes: v.optional(v.array(NodeIdSchema)),
  runtimes: v.optional(v.array(RuntimeIdSchema)),
  min_severity: SeveritySchema,
  grace_seconds: Count,
  recoveries: v.boolean(),
  enabled: v.boolean(),
  /** What it has told as open and not yet as resolved. */
  open: v.array(AlertItemSchema),
  delivery: v.looseObject({
    queued: Count,
    delivered: Count,
    dropped: Count,
    last_delivered_at: v.optional(Timestamp),
    next_attempt_at: v.optional(Timestamp),
    last_error: v.optional(v.looseObject({ time: Timestamp, message: v.string() })),
  }),
});
export type Alert = v.InferOutput<typeof AlertSchema>;

export const AlertsSchema = v.looseObject({ alerts: v.array(AlertSchema) });
export type Alerts = v.InferOutput<typeof AlertsSchema>;

/** `POST /alerts/{id}/test`: the receiver took the message. */
export const AlertTestedSchema = v.looseObject({
  ok: v.literal(true),
  status: Count,
  latency_ms: NonNegative,
});
export type AlertTested = v.InferOutput<typeof AlertTestedSchema>;
