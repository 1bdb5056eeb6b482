// Owns what somebody subscribes to that a shard tells only then, and how snapshots are told: the latest of each node,
// a few times a second. The lease is in SQLite: an evicted object goes on telling.

import type { EventDraft } from '../../../contract/events.ts';
import type { Snapshot } from '../../../contract/snapshot.ts';
import { isoTime } from '../../domain/freshness.ts';
import type { Place } from '../../domain/shard-of.ts';
import type { Topic } from '../../domain/watch.ts';
import type { FleetRpc } from '../rpc.ts';
import type { OutboxStore } from '../store/outbox-store.ts';

/** At most one call in this time, however many nodes report. */
const FLUSH_MS = 250;

/** A call may carry 32 MiB; more snapshots than this in one flush are told with the next. */
const BATCH = 100;

export type WatchOptions = {
  store: OutboxStore;
  place: Place;
  fleet: () => Pick<FleetRpc, 'publish'>;
};

export class Watch {
  readonly #options: WatchOptions;
  readonly #until: Map<string, number>;
  readonly #latest = new Map<string, EventDraft>();
  #isFlushing = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#until = new Map(options.store.watches());
  }

  isWatched(topic: Topic, now: number): boolean {
    return now < (this.#until.get(topic) ?? 0);
  }

  /** Somebody subscribes to the topics until then. */
  watch(topics: readonly Topic[], until: number): void {
    for (const topic of topics) {
      if (until <= (this.#until.get(topic) ?? 0)) continue;
      this.#until.set(topic, until);
      this.#options.store.watch(topic, until);
    }
  }

  /** A snapshot was accepted: told where somebody wants to hear it. */
  took(snapshot: Snapshot, now: number): void {
    if (!this.isWatched('runtime.health', now)) return;
    this.#latest.set(snapshot.target, { time: isoTime(now), kind: 'runtime.health', payload: snapshot });
    if (!this.#isFlushing) void this.#flush();
  }

  /** What is not told now is told with the next heartbeat: nobody waits for it, so nothing is kept. */
  async #flush(): Promise<void> {
    this.#isFlushing = true;
    try {
      while (this.#latest.size > 0) {
        const nodes = [...this.#latest].slice(0, BATCH);
        for (const [node] of nodes) this.#latest.delete(node);
        const drafts = nodes.map(([, draft]) => ({ source: '', draft }));
        await this.#options.fleet().publish(this.#options.place, { drafts, isRepeat: false, lost: 0 });
        await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
      }
    } catch (error) {
      console.error('Could not tell Fleet of snapshots', error);
    } finally {
      this.#isFlushing = false;
    }
  }
}
