// Owns how the parameters of a query are read: a name or a value that is unknown is an error, never ignored.

import type { Context } from 'hono';
import type * as v from 'valibot';
import { checkValue, type Result } from '../domain/parse.ts';
import type { HubEnv } from '../env.ts';

/** The query as the schema has it; a parameter that is given twice counts as one value that fits no schema. */
export function checkedQuery<Schema extends v.GenericSchema>(
  c: Context<HubEnv>,
  schema: Schema,
): Result<v.InferOutput<Schema>> {
  const given = Object.entries(c.req.queries()).map(([key, values]) => [
    key,
    values.length > 1 ? values : values[0],
  ]);
  return checkValue(schema, Object.fromEntries(given));
}
