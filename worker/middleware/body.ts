// Owns how a body is read: bounded, as UTF-8 JSON. Handlers have no other way to read one.

import type { Context } from 'hono';
import type * as v from 'valibot';
import { problem } from '../../contract/problem.ts';
import { SNAPSHOT_MAX_BYTES } from '../../contract/snapshot.ts';
import { fail, parseText, tooLarge, type Result } from '../domain/parse.ts';
import type { HubEnv } from '../env.ts';

/** The text of the body; a body that is too large is refused before it is held. */
export async function bodyText(request: Request, maxBytes = SNAPSHOT_MAX_BYTES): Promise<Result<string>> {
  const { headers } = request;
  const body: ReadableStream<Uint8Array> | null = request.body;
  const told = headers.get('content-length');
  if (Number(told ?? 0) > maxBytes) return fail(tooLarge(maxBytes));
  if (body === null) return { ok: true, value: '' };
  // A length that is told is kept by the platform: such a body needs not be watched while it comes.
  const bytes =
    told === null ? await boundedBytes(body, maxBytes) : new Uint8Array(await request.arrayBuffer());
  if (bytes === undefined) return fail(tooLarge(maxBytes));
  if (bytes.byteLength > 0 && !isJson(headers.get('content-type'))) {
    return fail(problem('unsupported-media-type', 'Send the header "Content-Type: application/json"'));
  }
  return decode(bytes);
}

/** Undefined where there are too many. */
async function boundedBytes(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** The body as the schema has it; an empty one counts as `{}`, so that what is optional may be left out as a whole. */
export async function jsonBody<Schema extends v.GenericSchema>(
  c: Context<HubEnv>,
  schema: Schema,
  maxBytes = SNAPSHOT_MAX_BYTES,
): Promise<Result<v.InferOutput<Schema>>> {
  const text = await bodyText(c.req.raw, maxBytes);
  if (!text.ok) return text;
  return parseText(schema, text.value.trim() === '' ? '{}' : text.value);
}

/** A body whose type is not told is taken for JSON. */
function isJson(contentType: string | null): boolean {
  return contentType === null || /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(contentType.trim());
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

function decode(bytes: Uint8Array): Result<string> {
  try {
    return { ok: true, value: decoder.decode(bytes) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return fail(problem('malformed-body', 'The body is not UTF-8'));
  }
}
