// Owns the other side of a homecoming: what this shard gives away of nodes that live in another one now, and when it
// forgets them. It is kept until the new home has written it.

import type { FleetRpc, HandedOver } from '../rpc.ts';
import type { ShardParts } from './parts.ts';

/** The platform bounds one answer to 32 MiB. */
const MAX_LENGTH = 8_000_000;

/** Of the protocol itself: the peer connects again, and comes to the new home. */
const CLOSE_RESTART = 1012;

/** From here on nobody speaks for these nodes here: whoever wants to asks Fleet, which names the new home. */
export function handOver(parts: ShardParts, nodes: readonly string[]): HandedOver[] {
  const handed: HandedOver[] = [];
  let length = 0;
  for (const node of nodes) {
    const one = {
      node,
      live: parts.nodes.portable(node) ?? null,
      silentSince: parts.events.silentSince(node) ?? null,
      commands: parts.queue.all(node),
    };
    length += JSON.stringify(one).length;
    if (handed.length > 0 && length > MAX_LENGTH) break;
    handed.push(one);
    parts.credentials.drop(node);
    const socket = parts.uplinks.current(node);
    if (socket !== undefined)
      parts.uplinks.close(socket, CLOSE_RESTART, 'The node has another home: connect again');
  }
  parts.cuts.touch();
  return handed;
}

/** Forgets what came to its new home; nothing of a node that lives here again. */
export async function forget(
  parts: ShardParts,
  fleet: Pick<FleetRpc, 'livingIn'>,
  { nodes, index }: { nodes: readonly string[]; index: number },
): Promise<void> {
  const living = new Set(await fleet.livingIn(index, nodes));
  for (const node of nodes) {
    if (living.has(node) || parts.credentials.has(node)) continue;
    parts.nodes.remove(node);
    parts.events.setSilence(node, undefined);
    parts.queue.forget(node);
  }
  parts.cuts.touch();
}

/** Writes what came, in one step: a crash leaves all of it or nothing. */
export function takeOver(parts: ShardParts, handed: readonly HandedOver[]): void {
  for (const { node, live, silentSince, commands } of handed) {
    // What was told of the silence goes with the word that it followed.
    if (live !== null && parts.nodes.adopt(live)) parts.events.setSilence(node, silentSince ?? undefined);
    parts.queue.takeOver(node, commands);
  }
  parts.cuts.touch();
}
