// Owns how a node comes to live in this shard after the number of shards has changed: Fleet notes the new home first,
// the former ones hand over what they hold, it is written here, and only then they forget it. Wherever that breaks off,
// Fleet still knows who may hold something, and whoever asks for the node next begins again.

import type { Credentials } from '../../domain/credentials.ts';
import { isAt, type Place } from '../../domain/shard-of.ts';
import type { FleetRpc, HandedOver, NodeShardRpc, Stray } from '../rpc.ts';

export type HomecomingOptions = {
  /** This shard, as its own settings have it. */
  place: Place;
  fleet: () => Pick<FleetRpc, 'claim' | 'claimStrays' | 'settle'>;
  shardAt: (index: number) => Pick<NodeShardRpc, 'handOver' | 'forget'>;
  /** Writes what came from former homes, all or nothing. */
  take: (handed: readonly HandedOver[]) => Promise<void>;
};

/** A former home that fails is asked no more often than this, however many read. */
const TRY_AGAIN_MS = 2000;

/** Says whether Fleet has spoken of the node since it was asked: what it said then does not hold any more. */
type IsOvertaken = (node: string) => boolean;

export class Homecoming {
  readonly #options: HomecomingOptions;
  #isGathered = false;
  /** Former homes that could not be reached when it was last tried. */
  #unreached: readonly number[] = [];
  #triedAt = Number.NEGATIVE_INFINITY;

  constructor(options: HomecomingOptions) {
    this.#options = options;
  }

  /** True where the node belongs here; what was heard of others before may still be here. */
  belongs(node: string): boolean {
    return isAt(node, this.#options.place);
  }

  /** Makes the node live here, with all that is known of it. Null where it is not in the registry. */
  async claim(node: string, isOvertaken: IsOvertaken): Promise<Credentials | null> {
    const { fleet, place } = this.#options;
    // While a deploy is under way a request may come from one that counts the shards otherwise.
    if (!this.belongs(node)) {
      throw new Error(`Node "${node}" does not belong to shard ${place.index} of ${place.shards}: ask again`);
    }
    const claim = await fleet().claim(node, place.index);
    if (claim === null) return null;
    const [unreached] = await this.#bring([claim], isOvertaken);
    // Its commands may be there: nobody is told that there are none.
    if (unreached !== undefined) throw new Error(`Shard ${unreached} still holds node "${node}": ask again`);
    return claim.credentials;
  }

  /**
   * Brings all nodes that belong here, once in a life: those that stay silent are shown and asked for here, too.
   * @returns the former homes that could not be reached, whose nodes are not here yet: they are tried again and again.
   */
  async gather(asked: Place, isOvertaken: IsOvertaken, now: number): Promise<readonly number[]> {
    const { fleet, place } = this.#options;
    if (this.#isGathered || asked.shards !== place.shards) return [];
    if (this.#unreached.length > 0 && Math.abs(now - this.#triedAt) < TRY_AGAIN_MS) return this.#unreached;
    const unreached = new Set<number>();
    for (;;) {
      const strays = await fleet().claimStrays(place, [...unreached]);
      if (strays.length === 0) break;
      // Of those Fleet has spoken meanwhile: this question cannot bring them, the next one will.
      if (strays.every(({ node }) => isOvertaken(node))) {
        return [...new Set([...unreached, ...strays.flatMap(({ former }) => former)])];
      }
      for (const index of await this.#bring(strays, isOvertaken)) unreached.add(index);
    }
    this.#isGathered = unreached.size === 0;
    this.#unreached = [...unreached];
    this.#triedAt = now;
    return this.#unreached;
  }

  /** @returns the former homes that could not be reached: what may be there of a node stays there, all or nothing. */
  async #bring(strays: readonly Stray[], isOvertaken: IsOvertaken): Promise<ReadonlySet<number>> {
    const moving = strays.filter(({ former }) => former.length > 0);
    const unreached = new Set<number>();
    if (moving.length === 0) return unreached;
    const { fleet, shardAt, take } = this.#options;
    const places = [...new Set(moving.flatMap(({ former }) => former))];
    const handed = new Map<number, Map<string, HandedOver>>();
    for (const index of places) {
      await reach(index, unreached, async () => {
        handed.set(index, await this.#handedBy(index, nodesOf(moving, index)));
      });
    }
    // Of a node that was removed meanwhile nothing may come: its former homes were told as well.
    const coming = moving.filter(({ node, former }) => !isOvertaken(node) && isReached(former, unreached));
    await take(
      coming.flatMap(({ node, former }) => former.flatMap((index) => handed.get(index)?.get(node) ?? [])),
    );
    for (const index of places.filter((at) => handed.has(at))) {
      await reach(index, unreached, () => shardAt(index).forget(nodesOf(coming, index), index));
    }
    await fleet().settle(coming.filter(({ former }) => isReached(former, unreached)));
    return unreached;
  }

  async #handedBy(index: number, nodes: readonly string[]): Promise<Map<string, HandedOver>> {
    const handed = new Map<string, HandedOver>();
    let rest = nodes;
    while (rest.length > 0) {
      const part = await this.#options.shardAt(index).handOver(rest);
      if (part.length === 0) throw new Error(`Shard ${index} handed over nothing of ${rest.length} nodes`);
      for (const one of part) handed.set(one.node, one);
      rest = rest.slice(part.length);
    }
    return handed;
  }
}

/** One that fails is noted, and told in the log. */
async function reach(index: number, unreached: Set<number>, ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    console.error(`Could not bring nodes from shard ${index}; trying again`, error);
    unreached.add(index);
  }
}

function isReached(former: readonly number[], unreached: ReadonlySet<number>): boolean {
  return !former.some((index) => unreached.has(index));
}

function nodesOf(strays: readonly Stray[], index: number): string[] {
  return strays.filter(({ former }) => former.includes(index)).map(({ node }) => node);
}
