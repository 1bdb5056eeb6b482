// Owns the session of a browser: how it is begun, and what the hub says of it.

import * as v from 'valibot';
import { ActorSchema } from './audit.ts';
import { Timestamp } from './scalars.ts';

/** The body of `POST /session`. Without a token the session that the cookie names is renewed. */
export const SessionRequestSchema = v.strictObject({
  token: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(4096))),
});

/**
 * Who asks, and the hub's clock, by which freshness is judged. `expires_at` is of the session, and left out where a token
 * was sent instead of its cookie.
 */
export const SessionSchema = v.looseObject({
  actor: ActorSchema,
  expires_at: v.optional(Timestamp),
  server_time: Timestamp,
});
export type Session = v.InferOutput<typeof SessionSchema>;
