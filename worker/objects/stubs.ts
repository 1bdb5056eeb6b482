// Owns names of objects: the only place that turns a node or a role into a stub.

import * as v from 'valibot';
import { UPLINK_PROTOCOL } from '../../contract/frames.ts';
import type { LogsArgs } from '../../contract/logs.ts';
import { MAX_SHARDS, placement, shardCount } from '../domain/settings.ts';
import { ActionWishSchema, type ActionWish } from '../domain/action-wish.ts';
import { SubscriptionSchema, type Subscription } from '../domain/event-stream.ts';
import { shardOf, type Place } from '../domain/shard-of.ts';
import type { Env, Namespace } from '../env.ts';
import type { FleetRpc, NodeShardRpc } from './rpc.ts';

export type { Cut, NodeShardRpc, Submitted, ToldGrid } from './rpc.ts';

const NODE_HEADER = 'x-arw-node';
const TOKEN_HASH_HEADER = 'x-arw-token-hash';

export function fleet(env: Env): FleetRpc {
  return named(env, env.FLEET, 'fleet');
}

/** The shard that owns the node. */
export function shardFor(env: Env, node: string): NodeShardRpc {
  return shardAt(env, homeIndex(env, node));
}

export function homeIndex(env: Env, node: string): number {
  return shardOf(node, shardCount(env.FLEET_SHARDS));
}

/** Asks every shard, each told its place: it may hold what it heard of nodes that have moved since. */
export function askAll<T>(env: Env, ask: (shard: NodeShardRpc, place: Place) => Promise<T>): Promise<T[]> {
  const shards = shardCount(env.FLEET_SHARDS);
  return Promise.all(
    Array.from({ length: shards }, (_, index) => ask(shardAt(env, index), { index, shards })),
  );
}

/** The upgrade as a shard takes it. It is built anew: no header of the client reaches the object. */
export function uplinkRequest(node: string, tokenHash: string): Request {
  return new Request('https://shard/uplink', {
    headers: {
      upgrade: 'websocket',
      'sec-websocket-protocol': UPLINK_PROTOCOL,
      [NODE_HEADER]: node,
      [TOKEN_HASH_HEADER]: tokenHash,
    },
  });
}

type From = { node: string; tokenHash: string };

/** The other side of `uplinkRequest`. */
export function readUplinkRequest(request: Request): From {
  return readFrom(request);
}

function readFrom({ headers }: Request): From {
  const node = headers.get(NODE_HEADER);
  const tokenHash = headers.get(TOKEN_HASH_HEADER);
  if (node === null || tokenHash === null) throw new Error('A request of a node without its token hash');
  return { node, tokenHash };
}

/** The shard of the node, and its place among all. */
export function placeFor(env: Env, node: string): { shard: NodeShardRpc; place: Place } {
  const shards = shardCount(env.FLEET_SHARDS);
  const index = shardOf(node, shards);
  return { shard: shardAt(env, index), place: { index, shards } };
}

const ACTION_PATH = '/action';

/** An action as a shard takes it; a fetch, since its answer may be a stream. */
export function actionRequest(wish: ActionWish): Request {
  return new Request(`https://shard${ACTION_PATH}`, { method: 'POST', body: JSON.stringify(wish) });
}

/** The other side of `actionRequest`; undefined where the request is another one. */
export async function readActionRequest(request: Request): Promise<ActionWish | undefined> {
  if (new URL(request.url).pathname !== ACTION_PATH) return undefined;
  return v.parse(ActionWishSchema, await request.json());
}

const LOGS_PATH = '/logs';

/** A wish to read a log as a shard takes it; a fetch, since its answer is a stream that ends when the reader goes. */
export function logsRequest(wish: { node: string; runtime: string; args: LogsArgs }): Request {
  const { node, runtime, args } = wish;
  const query = new URLSearchParams({ node, runtime, tail: String(args.tail), follow: String(args.follow) });
  return new Request(`https://shard${LOGS_PATH}?${query.toString()}`);
}

/** The other side of `logsRequest`; undefined where the request is another one. */
export function readLogsRequest(
  request: Request,
): { node: string; runtime: string; args: LogsArgs } | undefined {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname !== LOGS_PATH) return undefined;
  return {
    node: searchParams.get('node') ?? '',
    runtime: searchParams.get('runtime') ?? '',
    args: { tail: Number(searchParams.get('tail')), follow: searchParams.get('follow') === 'true' },
  };
}

const PART_PATH = '/part';

/** A part of a relayed answer on its way to the shard, which reads it as it comes. */
export function partRequest(
  { node, tokenHash, stream }: { node: string; tokenHash: string; stream: string },
  body: ReadableStream<Uint8Array> | null,
): Request {
  const headers = { [NODE_HEADER]: node, [TOKEN_HASH_HEADER]: tokenHash };
  const query = new URLSearchParams({ stream });
  return new Request(`https://shard${PART_PATH}?${query.toString()}`, { method: 'POST', headers, body });
}

/** The other side of `partRequest`; undefined where the request is another one. */
export function readPartRequest(request: Request): (From & { stream: string }) | undefined {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname !== PART_PATH) return undefined;
  return { ...readFrom(request), stream: searchParams.get('stream') ?? '' };
}

const SUBSCRIPTION_HEADER = 'x-arw-subscription';

const AskedSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ subscription: SubscriptionSchema, hasProtocol: v.boolean() }),
);

/** The upgrade of a subscription as Fleet takes it. `hasProtocol`: the peer offered it, so the answer names it. */
export function eventsRequest(subscription: Subscription, hasProtocol: boolean): Request {
  return new Request('https://fleet/events', {
    headers: { upgrade: 'websocket', [SUBSCRIPTION_HEADER]: JSON.stringify({ subscription, hasProtocol }) },
  });
}

/** The other side of `eventsRequest`. */
export function readEventsRequest(request: Request): { subscription: Subscription; hasProtocol: boolean } {
  return v.parse(AskedSchema, request.headers.get(SUBSCRIPTION_HEADER));
}

export function shardAt(env: Env, index: number): NodeShardRpc {
  return named(env, env.NODE_SHARD, shardName(index));
}

/** The index of a shard from its id alone: an object that an alarm woke may not be told its name. */
export function shardIndex(env: Env, id: { toString(): string }): number {
  const hex = id.toString();
  const namespace = within(env, env.NODE_SHARD);
  for (let index = 0; index < MAX_SHARDS; index += 1) {
    if (namespace.idFromName(shardName(index)).toString() === hex) return index;
  }
  throw new Error('A shard that has no index');
}

function shardName(index: number): string {
  return `shard-${index}`;
}

function named<Stub>(env: Env, namespace: Namespace<Stub>, name: string): Stub {
  const { locationHint } = placement(env.ARW_LOCATION_HINT, env.ARW_JURISDICTION);
  const there = within(env, namespace);
  return locationHint === undefined ? there.getByName(name) : there.getByName(name, { locationHint });
}

function within<Stub>(env: Env, namespace: Namespace<Stub>): Namespace<Stub> {
  const { jurisdiction } = placement(env.ARW_LOCATION_HINT, env.ARW_JURISDICTION);
  return jurisdiction === undefined ? namespace : namespace.jurisdiction(jurisdiction);
}
