// Owns which shard a node belongs to. Rendezvous hashing: with one shard more, only the nodes that it wins move.

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The index, 0 to `shards - 1`, of the shard that owns a node. */
export function shardOf(node: string, shards: number): number {
  if (shards === 1) return 0;
  let winner = 0;
  let highest = -1;
  for (let index = 0; index < shards; index += 1) {
    const weight = hash32(`${index}/${node}`);
    if (weight > highest) {
      highest = weight;
      winner = index;
    }
  }
  return winner;
}

/** One shard among so many. */
export type Place = { index: number; shards: number };

/**
 * True where the shard owns the node. After their number has changed a shard still holds what it heard of nodes that
 * have moved: it must not be shown beside what their new one says.
 */
export function isAt(node: string, { index, shards }: Place): boolean {
  return shardOf(node, shards) === index;
}

/** FNV-1a with a final mix: names that differ in their last letter must not get neighbouring weights. */
function hash32(text: string): number {
  let hash = FNV_OFFSET;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
