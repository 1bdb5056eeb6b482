// Owns where a node lives: which shard holds its snapshot and its commands, and how they come to another one when the
// number of shards has changed.

import { isFinalJobState, type JobState } from '../../contract/command.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { isPresumed, type CommandRecord } from './command-life.ts';
import type { LastWord } from './ingest.ts';
import { isAt, type Place } from './shard-of.ts';

/** `former` are shards that may still hold something of the node, the oldest first; `moves` counts its homes. */
export type Home = { index: number; former: readonly number[]; moves: number };

/** The home of a node after a shard said that the node is its own: the same object where it is already. */
export function claimed(home: Home, index: number): Home {
  if (home.index === index) return home;
  const former = [...home.former, home.index].filter(
    (place, at, all) => place !== index && all.indexOf(place) === at,
  );
  return { index, former, moves: home.moves + 1 };
}

/** The home after what was elsewhere has come; a shard that speaks of an earlier move is not heard. */
export function settled(home: Home, moves: number): Home {
  return home.moves === moves ? { ...home, former: [] } : home;
}

/** True where the node belongs to the place, and something of it is or may be elsewhere. */
export function isAstray(node: string, home: Home, place: Place): boolean {
  return isAt(node, place) && (home.index !== place.index || home.former.length > 0);
}

/** True where one of these shards may hold something of the node. */
export function mayBeIn({ index, former }: Home, shards: readonly number[]): boolean {
  return shards.some((shard) => shard === index || former.includes(shard));
}

/** The last word of a node, on its way to another shard. */
export type PortableNode = {
  snapshot: Snapshot;
  receivedAt: number;
  ttlSeconds: number | undefined;
  transport: 'socket' | 'post';
  last: LastWord;
};

const PROGRESS: Record<JobState, number> = {
  queued: 0,
  delivered: 1,
  running: 2,
  expired: 3,
  cancelled: 3,
  failed: 3,
  completed: 3,
};

/** Of two copies of one command the one that knows more; the first where both know the same. */
export function further(a: CommandRecord, b: CommandRecord): CommandRecord {
  const lead =
    PROGRESS[b.state] - PROGRESS[a.state] ||
    Number(isPresumed(a)) - Number(isPresumed(b)) ||
    b.attempts - a.attempts ||
    Number(b.cancelAskedAt !== null) - Number(a.cancelAskedAt !== null);
  return lead > 0 ? b : a;
}

/**
 * What must be written so that the commands of a node, handed over by its former homes, are here as well: what is open
 * in the order in which it was accepted, with ordinals behind those of this shard. Handed over twice, it is there once.
 * @param handed of one former home after the other, each in its own order.
 */
export function takenOver(
  own: (id: string) => CommandRecord | undefined,
  handed: readonly CommandRecord[],
  nextOrdinal: () => number,
): CommandRecord[] {
  const best = new Map<string, CommandRecord>();
  for (const record of handed) {
    const before = best.get(record.id);
    best.set(record.id, before === undefined ? record : further(before, record));
  }
  return [...best.values()].flatMap((record) => {
    const here = own(record.id);
    // What is here keeps its place, and what is final needs none.
    if (here !== undefined) {
      return further(here, record) === here ? [] : [{ ...record, ordinal: here.ordinal }];
    }
    return [isFinalJobState(record.state) ? record : { ...record, ordinal: nextOrdinal() }];
  });
}
