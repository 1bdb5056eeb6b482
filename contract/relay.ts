// Owns relayed requests: one HTTP exchange between the hub and the gateway of a node, over the node's own uplink. Its head,
// its end and its cancel are JSON frames; bodies are binary records, in relay-records.ts. An answer that flows for longer may
// move to an upload: a request of the node's own, `POST /nodes/{node}/relays/{stream}`, whose body is the next part of it.

import * as v from 'valibot';
import { CommandErrorSchema } from './command.ts';
import { Count, Timestamp, wholeNumber } from './scalars.ts';

/** What a node says in `hello.features` when it takes relayed requests. An older one says nothing, and is asked nothing. */
export const RELAY_FEATURE = 'relay';

/** Exchanges under way over one uplink. Each may hold a window of bytes on either side. */
export const RELAYS_PER_NODE = 128;

const STREAM_MAX = 2 ** 32 - 1;
const StreamSchema = wholeNumber(1, STREAM_MAX);
const RelayId = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const Headers = v.record(v.string(), v.string());

/**
 * Hub to node: a request begins. Its body follows as records of the same `stream`, the last of them marked. `stream` is
 * unique among what is under way over this socket; `id` names the action for people and for logs.
 */
export const RelayOpenSchema = v.looseObject({
  type: v.literal('relay.open'),
  id: RelayId,
  stream: StreamSchema,
  method: v.picklist(['GET', 'POST']),
  /** As the node's gateway knows it. */
  path: v.pipe(v.string(), v.startsWith('/'), v.maxLength(2048)),
  headers: Headers,
  issued_at: Timestamp,
  expires_at: Timestamp,
  /** HMAC-SHA-256 over `relaySigningText`, base64url, keyed by the bytes that the node's `command_key` encodes. */
  signature: v.string(),
});
export type RelayOpen = v.InferOutput<typeof RelayOpenSchema>;

/** What decides what is asked, and until when; the body is not covered, since it may still be coming. */
export type RelayOpenCore = Pick<
  RelayOpen,
  'id' | 'stream' | 'method' | 'path' | 'headers' | 'issued_at' | 'expires_at'
>;

/** The text that the signature of an opening covers. It is no text of a command: the one is never taken for the other. */
export function relaySigningText(node: string, open: RelayOpenCore): string {
  const { id, stream, method, path, headers, issued_at, expires_at } = open;
  return JSON.stringify(['arw.relay.v1', node, id, stream, method, path, headers, issued_at, expires_at]);
}

/** Hub to node: nobody waits for the answer any more. Unknown where the exchange is over; then it says nothing. */
export const RelayCancelSchema = v.looseObject({ type: v.literal('relay.cancel'), stream: Count });

/** Hub to node: what you upload of this answer is here, and nothing of it was read. Say when it is to be. */
export const RelayUploadSchema = v.looseObject({ type: v.literal('relay.upload'), stream: StreamSchema });

/** Node to hub: what follows of the answer comes by the upload, until that ends; then as records again. */
export const RelayMovedSchema = v.looseObject({ type: v.literal('relay.moved'), stream: StreamSchema });

/** Node to hub: the answer begins. Its body follows as records. */
export const RelayHeadSchema = v.looseObject({
  type: v.literal('relay.head'),
  stream: StreamSchema,
  status: wholeNumber(100, 599),
  headers: Headers,
});
export type RelayHead = v.InferOutput<typeof RelayHeadSchema>;

/** Node to hub: nothing follows. With `ok: false` what came before is not the whole. */
export const RelayEndSchema = v.variant('ok', [
  v.looseObject({ type: v.literal('relay.end'), stream: StreamSchema, ok: v.literal(true) }),
  v.looseObject({
    type: v.literal('relay.end'),
    stream: StreamSchema,
    ok: v.literal(false),
    error: CommandErrorSchema,
  }),
]);
export type RelayEnd = v.InferOutput<typeof RelayEndSchema>;
