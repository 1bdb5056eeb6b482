// Owns which runtimes of this shard's nodes have what an action asks for, as far as the shard knows now.

import { offersOf, type Offer, type Wanted } from '../../domain/choose-runtime.ts';
import { relayObstacle } from '../../domain/relay-refusal.ts';
import { isAt, type Place } from '../../domain/shard-of.ts';
import type { Offered } from '../rpc.ts';
import type { LiveNode } from './live-node.ts';
import type { ShardParts } from './parts.ts';

export function offersHere(parts: ShardParts, wanted: Wanted, place: Place, now: number): Offered {
  const nodes = wanted.node === undefined ? [...parts.nodes.all()] : [parts.nodes.get(wanted.node)];
  const here = nodes.filter((live) => live !== undefined && isAt(live.snapshot.target, place));
  const offers = here.flatMap((live) => (live === undefined ? [] : offersAt(parts, live, wanted, now)));
  // Only where nobody has it is it asked what comes close.
  const known = offers.length > 0 ? [] : here.flatMap((live) => (live === undefined ? [] : modelsOf(live)));
  return { offers, known: [...new Set(known)] };
}

function offersAt(parts: ShardParts, live: LiveNode, wanted: Wanted, now: number): Offer[] {
  const { receivedAt, transport } = live;
  const node = live.snapshot.target;
  const socket = parts.reachable(node, now);
  const place = {
    node,
    receivedAt,
    transport,
    isReachable: socket !== undefined,
    takesRelays: socket !== undefined && parts.uplinks.linkOf(socket)?.takesRelays === true,
    isFull: socket !== undefined && parts.relays.isFull(socket),
  };
  const offered = {
    node,
    runtimes: live.snapshot.runtimes,
    obstacle: relayObstacle(place, parts.ttlSeconds, now),
    sentSince: (runtime: string) =>
      socket === undefined ? 0 : parts.relays.sentSince(socket, runtime, receivedAt),
  };
  return offersOf(offered, wanted);
}

function modelsOf({ snapshot }: LiveNode): string[] {
  return snapshot.runtimes.flatMap(({ descriptor }) => [
    ...(descriptor.models ?? []).map(({ id }) => id),
    descriptor.id,
  ]);
}
