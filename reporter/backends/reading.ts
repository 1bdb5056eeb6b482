// Owns reading a server's answer: its body becomes a known value, or the reason why it is unknown.

import * as v from 'valibot';
import { messageOf } from '../errors.ts';
import type { HttpLook } from './http-probe.ts';

export type Reading<T> = { kind: 'known'; value: T } | { kind: 'unknown'; reason: string };

export function readJson<T>(answer: HttpLook, schema: v.GenericSchema<unknown, T>): Reading<T> {
  const text = readText(answer);
  if (text.kind === 'unknown') return text;
  let body: unknown;
  try {
    body = JSON.parse(text.value);
  } catch (error) {
    return { kind: 'unknown', reason: `no JSON: ${messageOf(error)}` };
  }
  const parsed = v.safeParse(schema, body);
  if (parsed.success) return { kind: 'known', value: parsed.output };
  const [issue] = parsed.issues;
  return { kind: 'unknown', reason: `unexpected body at ${v.getDotPath(issue) ?? 'its root'}` };
}

/** The body of a good answer. */
export function readText(answer: HttpLook): Reading<string> {
  if (answer.kind !== 'answer') return { kind: 'unknown', reason: answer.reason };
  if (answer.status === 401) {
    return { kind: 'unknown', reason: 'HTTP 401: the API key is missing in the manifest' };
  }
  if (answer.status !== 200) return { kind: 'unknown', reason: `HTTP ${answer.status}` };
  return { kind: 'known', value: answer.body };
}
