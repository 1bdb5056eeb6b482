// Owns how an idempotency key is read.

import type { Context } from 'hono';
import * as v from 'valibot';
import { checkValue, type Result } from '../domain/parse.ts';
import type { HubEnv } from '../env.ts';

const KeySchema = v.object({
  'Idempotency-Key': v.optional(
    v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,200}$/, 'must be 1-200 visible ASCII characters')),
  ),
});

/** Undefined where none was sent. */
export function idempotencyKey(c: Context<HubEnv>): Result<string | undefined> {
  const key = checkValue(KeySchema, { 'Idempotency-Key': c.req.header('idempotency-key') });
  return key.ok ? { ok: true, value: key.value['Idempotency-Key'] } : key;
}
