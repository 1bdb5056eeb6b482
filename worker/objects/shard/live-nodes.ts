// Owns the latest snapshot of each node of a shard: in memory always, in SQLite when it would be missed.

import type { Snapshot } from '../../../contract/snapshot.ts';
import { decideIngest, type IngestDecision, type LastWord } from '../../domain/ingest.ts';
import { materialOf, mustWrite, rewriteAfterMs, type Written } from '../../domain/material.ts';
import { earliest } from '../../domain/next-alarm.ts';
import type { SnapshotStore, StoredSnapshot, Transport } from '../store/shard-store.ts';

/** `last` may be newer than the snapshot: after an eviction only the number of the last heartbeat is left of it. */
export type LiveNode = StoredSnapshot & { last: LastWord; written: Written };

/** A node on its way to another shard. */
export type PortableNode = Omit<LiveNode, 'written'>;

export type Pace = { ttlSeconds: number; retentionMs: number; heartbeatWriteMs: number };

export class LiveNodes {
  readonly #store: SnapshotStore;
  readonly #pace: Pace;
  readonly #nodes = new Map<string, LiveNode>();

  constructor(store: SnapshotStore, pace: Pace) {
    this.#store = store;
    this.#pace = pace;
    for (const stored of store.load()) {
      const { snapshot, receivedAt, transport } = stored;
      const written = { material: materialOf(snapshot), transport, writtenAt: receivedAt };
      this.#nodes.set(snapshot.target, { ...stored, last: lastWord(snapshot), written });
    }
  }

  get(node: string): LiveNode | undefined {
    return this.#nodes.get(node);
  }

  all(): Iterable<LiveNode> {
    return this.#nodes.values();
  }

  /** A heartbeat that was heard but whose figures were not written before the object was evicted. */
  recall(node: string, word: LastWord & { receivedAt: number }): void {
    const live = this.#nodes.get(node);
    if (live === undefined || word.receivedAt <= live.receivedAt) return;
    const { bootId, seq, receivedAt } = word;
    this.#nodes.set(node, { ...live, last: { bootId, seq }, receivedAt, transport: 'socket' });
  }

  /** Takes a snapshot if it is for this node and new. */
  take(node: string, snapshot: Snapshot, transport: Transport, now: number): IngestDecision {
    const before = this.#nodes.get(node);
    const decision = decideIngest(node, before?.last, snapshot);
    if (decision.kind !== 'accept') return decision;
    const material = materialOf(snapshot);
    const { ttlSeconds, heartbeatWriteMs } = this.#pace;
    const afterMs = rewriteAfterMs(transport, ttlSeconds, heartbeatWriteMs);
    const isWritten = !mustWrite(before?.written, { material, transport }, now, afterMs);
    const written = isWritten && before ? before.written : { material, transport, writtenAt: now };
    const live = { snapshot, receivedAt: now, transport, last: lastWord(snapshot), written };
    if (!isWritten) this.#store.save(live);
    this.#nodes.set(node, live);
    return decision;
  }

  /** What another shard must know to go on with the node. */
  portable(node: string): PortableNode | undefined {
    const live = this.#nodes.get(node);
    if (live === undefined) return undefined;
    const { written: _, ...portable } = live;
    return portable;
  }

  /** Takes over what another shard knew, unless the node has been heard here since. */
  adopt(portable: PortableNode): void {
    const { snapshot, receivedAt, transport } = portable;
    const here = this.#nodes.get(snapshot.target);
    if (here !== undefined && here.receivedAt >= receivedAt) return;
    const written = { material: materialOf(snapshot), transport, writtenAt: receivedAt };
    this.#store.save(portable);
    this.#nodes.set(snapshot.target, { ...portable, written });
  }

  /** True where there was something to remove. */
  remove(node: string): boolean {
    if (!this.#nodes.delete(node)) return false;
    this.#store.remove(node);
    return true;
  }

  /** Removes what nobody has heard of for the retention time; true where something went. */
  removeForgotten(now: number): boolean {
    const forgotten = [...this.#nodes].filter(
      ([, { receivedAt }]) => now >= receivedAt + this.#pace.retentionMs,
    );
    for (const [node] of forgotten) this.remove(node);
    return forgotten.length > 0;
  }

  /** When the node will be forgotten unless it is heard. */
  forgottenAt(node: string): number | undefined {
    const live = this.#nodes.get(node);
    return live && live.receivedAt + this.#pace.retentionMs;
  }

  nextForgotten(): number | undefined {
    return earliest([...this.#nodes.keys()].map((node) => this.forgottenAt(node)));
  }
}

function lastWord(snapshot: Snapshot): LastWord {
  return { bootId: snapshot.boot_id, seq: snapshot.seq };
}
