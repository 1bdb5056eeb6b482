// Owns how text from outside becomes a value the interior trusts, or a sentence that names the place and the reason.

import * as v from 'valibot';
import { problem, type Problem } from '../../contract/problem.ts';
import { SNAPSHOT_MAX_BYTES } from '../../contract/snapshot.ts';
import { spokenLine } from '../../contract/status.ts';
import { takesAsItStands } from './quick-check.ts';

export type Result<T> = { ok: true; value: T } | { ok: false; problem: Problem };

export function fail(reason: Problem): { ok: false; problem: Problem } {
  return { ok: false, problem: reason };
}

/** For bodies: all of them are objects. */
export function parseText<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
): Result<v.InferOutput<Schema>> {
  const json = parseJson(text);
  if (!json.ok) return json;
  // The schema library takes a list for an object without members.
  if (typeof json.value !== 'object' || json.value === null || Array.isArray(json.value)) {
    return fail(problem('malformed-body', 'The body must be a JSON object'));
  }
  return checkValue(schema, json.value);
}

export function parseJson(text: string): Result<unknown> {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    // V8 quotes the text around the place, which may be long and may hold line breaks.
    const reason = error instanceof SyntaxError ? error.message : 'not JSON';
    return fail(problem('malformed-body', spokenLine(`The body is not JSON: ${reason}`)));
  }
}

export function checkValue<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
): Result<v.InferOutput<Schema>> {
  // What is taken as it stands is what the schema would give back.
  if (takesAsItStands(schema, value)) return { ok: true, value: value as v.InferOutput<Schema> };
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return { ok: true, value: parsed.output };
  const [issue] = parsed.issues;
  // What is wrong with no member alone is wrong with the whole.
  const path = v.getDotPath(issue) ?? 'body';
  return fail(problem('malformed-body', spokenLine(`${path}: ${reasonOf(issue, schema)}`)));
}

function reasonOf(issue: v.BaseIssue<unknown>, schema: v.GenericSchema): string {
  if (issue.kind !== 'schema') return issue.message;
  if (issue.received === 'undefined') return 'is missing';
  const isUnknownKey = issue.expected === 'never' && issue.path?.length === 1;
  return isUnknownKey ? `is not known here; ${knownKeys(schema)}` : issue.message;
}

function knownKeys(schema: v.GenericSchema): string {
  const entries = 'entries' in schema && typeof schema.entries === 'object' ? schema.entries : {};
  const keys = Object.keys(entries ?? {});
  return keys.length === 0 ? 'leave it out: nothing is taken' : `what is taken: ${keys.join(', ')}`;
}

export function tooLarge(maxBytes = SNAPSHOT_MAX_BYTES): Problem {
  return problem('body-too-large', `A body or frame may have at most ${maxBytes} bytes`);
}

/** Bytes of the text in UTF-8, counted only as far as needed: most texts are far from the limit. */
export function exceedsLimit(text: string, maxBytes = SNAPSHOT_MAX_BYTES): boolean {
  if (text.length > maxBytes) return true;
  if (text.length * 3 <= maxBytes) return false;
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes > maxBytes;
}
