// Owns asking the hub: one answer, or in a word why there is none.

import * as v from 'valibot';
import { ProblemSchema } from '../../contract/problem.ts';

export type Answer<T> =
  | { kind: 'ok'; value: T }
  | { kind: 'signed-out' }
  /** It answered, and not with what was asked for. */
  | { kind: 'refused'; told: string }
  | { kind: 'unreachable' };

const TIMEOUT_MS = 15_000;

/** @param path relative to the page: a hub may be behind a proxy, under a path of its own. */
export async function ask<Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
  { method = 'GET', body }: { method?: string; body?: unknown } = {},
): Promise<Answer<v.InferOutput<Schema>>> {
  try {
    const response = await fetch(new URL(path, document.baseURI), {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    if (response.status === 401) return { kind: 'signed-out' };
    const answered: unknown = response.status === 204 ? undefined : await response.json();
    if (!response.ok) {
      const problem = v.safeParse(ProblemSchema, answered);
      return { kind: 'refused', told: problem.success ? problem.output.detail : `HTTP ${response.status}` };
    }
    const value = v.safeParse(schema, answered);
    if (value.success) return { kind: 'ok', value: value.output };
    return { kind: 'refused', told: 'This page is of another version than the hub: reload it' };
  } catch {
    // No connection, no answer in time, or no JSON from something on the way.
    return { kind: 'unreachable' };
  }
}
