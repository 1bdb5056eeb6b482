// Owns how an action is taken: a runtime chosen, the request signed and sent to its node, the first row written before
// anybody hears of it; then the answer to whoever asked, at once by its id or as the engine streams it.

import { makeJobId } from '../../../contract/ids.ts';
import { problem } from '../../../contract/problem.ts';
import { relaySigningText, type RelayOpen } from '../../../contract/relay.ts';
import { signFor } from '../../crypto.ts';
import { CANCELLED, toAction, type ActionRecord } from '../../domain/action-life.ts';
import type { ActionWish } from '../../domain/action-wish.ts';
import { CHAT_PATH, chatBody } from '../../domain/chat.ts';
import { choose, nameAtGateway, type Offer, type Wanted } from '../../domain/choose-runtime.ts';
import { isoTime } from '../../domain/freshness.ts';
import { fail, type Result } from '../../domain/parse.ts';
import { unknownNode } from '../../domain/submit.ts';
import { problemResponse } from '../../problem-response.ts';
import { collectingSink, streamingSink } from './action-sinks.ts';
import { offersHere } from './offers.ts';
import type { ShardParts } from './parts.ts';
import type { RelaySink } from './relays.ts';

/** An opening that is late is nobody's any more. */
const EXPIRES_AFTER_MS = 30_000;

export async function answerAction(
  parts: ShardParts,
  wish: ActionWish,
  signal: AbortSignal,
): Promise<Response> {
  const repeated = repeatOf(parts, wish);
  if (repeated !== undefined) return repeated;
  const offer = await chosen(parts, wish);
  if (!offer.ok) return problemResponse(offer.problem);
  const { node, runtime } = offer.value;
  const draft = { id: makeJobId(node, `act-${crypto.randomUUID()}`), stream: parts.relays.nextStream() };
  const body = new TextEncoder().encode(chatBody(wish.input, nameAtGateway(offer.value), wish.wantsStream));
  const open = await signedOpening(parts, node, draft, body.byteLength);
  if (open === undefined) return problemResponse(unknownNode(node));
  // From here on nothing is awaited before the row is written: who else has the key is found, and the node is still there.
  const now = Date.now();
  const overtaken = repeatOf(parts, wish);
  if (overtaken !== undefined) return overtaken;
  const socket = parts.reachable(node, now);
  if (socket === undefined) {
    const detail = `The connection to node "${node}" ended: ask again when it is back`;
    return problemResponse(problem('node-offline', detail, { node }));
  }
  const record = recordOf(wish, offer.value, draft, now);
  const { id, stream } = draft;
  parts.actions.begin(record, wish.wantsStream, (error) => parts.relays.abort(socket, stream, error));
  const begin = (sink: RelaySink): void =>
    parts.relays.begin({ node, runtime, socket, open, body, sink, openedAt: now });
  const relayed = { parts, id, node, runtime, socket, stream };
  if (!wish.wantsStream) {
    begin(collectingSink(relayed));
    return accepted(record, {});
  }
  return new Promise((resolve) => {
    begin(streamingSink(relayed, { answer: resolve, signal }));
    if (signal.aborted) parts.relays.abort(socket, stream, CANCELLED);
  });
}

/** The answer to a request whose key was used before. */
function repeatOf(parts: ShardParts, { idempotencyKey, digest }: ActionWish): Response | undefined {
  const first = idempotencyKey === undefined ? undefined : parts.actions.findByKey(idempotencyKey);
  if (first === undefined) return undefined;
  if (first.digest === digest) return accepted(first, { 'idempotency-replayed': 'true' });
  const detail = `Action ${first.id} has it, with another input: send another Idempotency-Key for another request`;
  return problemResponse(problem('key-taken', detail, { action_id: first.id }));
}

function accepted(record: ActionRecord, headers: Record<string, string>): Response {
  const { id, kind, state, node, runtime } = toAction({
    ...record,
    state: record.finishedAt === null ? 'running' : record.state,
  });
  return Response.json(
    { id, kind, state, node, runtime },
    { status: 202, headers: { location: `/actions/${encodeURIComponent(id)}`, ...headers } },
  );
}

async function chosen(parts: ShardParts, wish: ActionWish): Promise<Result<Offer>> {
  const { input, place } = wish;
  const wanted: Wanted = {
    model: input.model,
    node: wish.chosen?.node ?? input.node,
    runtime: wish.chosen?.runtime,
  };
  const { node } = wanted;
  if (node !== undefined && parts.nodes.get(node) === undefined) {
    const isEnrolled = (await parts.credentials.get(node)) !== undefined;
    const detail = `Node "${node}" is enrolled, but this hub holds no report of it`;
    return fail(isEnrolled ? problem('node-offline', detail, { node }) : unknownNode(node));
  }
  const { offers, known } = offersHere(parts, wanted, place, Date.now());
  return choose(offers, wanted, known, Math.random());
}

function recordOf(
  { input, idempotencyKey, digest }: ActionWish,
  { node, runtime, backend, model }: Offer,
  { id, stream }: { id: string; stream: number },
  now: number,
): ActionRecord {
  return {
    id,
    node,
    runtime,
    backend,
    model: model ?? null,
    state: 'queued',
    stream,
    project: input.project ?? null,
    agent: input.agent ?? null,
    submittedAt: now,
    finishedAt: null,
    output: null,
    error: null,
    idempotencyKey: idempotencyKey ?? null,
    digest,
  };
}

/** Undefined where the node is not enrolled. Signs anew where the node was enrolled anew meanwhile. */
async function signedOpening(
  parts: ShardParts,
  node: string,
  { id, stream }: { id: string; stream: number },
  bodyBytes: number,
): Promise<RelayOpen | undefined> {
  for (;;) {
    const credentials = await parts.credentials.get(node);
    if (credentials === undefined) return undefined;
    const now = Date.now();
    const core = {
      id,
      stream,
      method: 'POST' as const,
      path: CHAT_PATH,
      headers: { 'content-type': 'application/json', 'content-length': String(bodyBytes) },
      issued_at: isoTime(now),
      expires_at: isoTime(now + EXPIRES_AFTER_MS),
    };
    const signature = await signFor(credentials, relaySigningText(node, core));
    if (parts.credentials.isCurrent(credentials)) return { type: 'relay.open', ...core, signature };
  }
}
