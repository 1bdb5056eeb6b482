// Owns the latest snapshot of each node of a shard: in memory always, in SQLite when it would be missed.

import type { Snapshot } from '../../../contract/snapshot.ts';
import type { PortableNode } from '../../domain/home.ts';
import { decideIngest, type IngestDecision, type LastWord } from '../../domain/ingest.ts';
import {
  isMateriallySame,
  materialOf,
  mustWrite,
  rewriteAfterMs,
  type Written,
} from '../../domain/material.ts';
import { earliest } from '../../domain/next-alarm.ts';
import type { SnapshotStore, StoredSnapshot, Transport } from '../store/shard-store.ts';
import { LiveNode, type Heard } from './live-node.ts';

/** `ttlSeconds` is the one that the operator has set. */
export type Pace = { ttlSeconds: number; retentionMs: number; heartbeatWriteMs: number };

/** When a word came, and for how long the node was told that it counts. */
export type Moment = { now: number; ttlSeconds: number | undefined };

/** While the timer of it is set the object does not hibernate: only what ends the process can lose such a row. */
const WRITTEN_WITHIN_MS = 1000;

export class LiveNodes {
  readonly #store: SnapshotStore;
  readonly #pace: Pace;
  readonly #nodes = new Map<string, LiveNode>();
  /** Heartbeats whose rows are to be written together. */
  readonly #due = new Set<LiveNode>();
  #posting = 0;

  constructor(store: SnapshotStore, pace: Pace) {
    this.#store = store;
    this.#pace = pace;
    for (const stored of store.load()) {
      const { snapshot, receivedAt } = stored;
      const written = writtenOf(stored, materialOf(snapshot), receivedAt);
      this.#keep(new LiveNode(stored, lastWord(snapshot), written));
    }
  }

  get(node: string): LiveNode | undefined {
    return this.#nodes.get(node);
  }

  all(): Iterable<LiveNode> {
    return this.#nodes.values();
  }

  /** How many report by POST, silent ones included: a guess that slows them is cheaper than one that does not. */
  get posting(): number {
    return this.#posting;
  }

  /** A heartbeat that was heard but whose figures were not written before the object was evicted. */
  recall(node: string, word: LastWord & { receivedAt: number }, ttlSeconds: number | undefined): void {
    const live = this.#nodes.get(node);
    if (live === undefined || word.receivedAt <= live.receivedAt) return;
    const { bootId, seq, receivedAt } = word;
    const { snapshot, written } = live;
    this.#keep(
      new LiveNode({ snapshot, receivedAt, ttlSeconds, transport: 'socket' }, { bootId, seq }, written),
    );
  }

  /**
   * Takes a heartbeat that repeats the node's last word in all but its figures, without parsing it; undefined says
   * nothing: then it is for `take`.
   */
  retake(
    node: string,
    text: string,
    transport: Transport,
    { now, ttlSeconds }: Moment,
  ): LiveNode | undefined {
    const live = this.#nodes.get(node);
    if (live?.transport !== transport || live.ttlSeconds !== ttlSeconds) return undefined;
    const retold = live.retold(text);
    if (retold === undefined) return undefined;
    live.heard(retold, now);
    const { ttlSeconds: setSeconds, heartbeatWriteMs } = this.#pace;
    if (now - live.written.writtenAt >= rewriteAfterMs(transport, setSeconds, heartbeatWriteMs)) {
      this.#writeSoon(live);
    }
    return live;
  }

  /** Takes a snapshot if it is for this node and new. @param text what it was parsed from, where that is nothing more. */
  take(
    node: string,
    { snapshot, text }: Pick<Heard, 'snapshot' | 'text'>,
    transport: Transport,
    moment: Moment,
  ): IngestDecision {
    const before = this.#nodes.get(node);
    const decision = decideIngest(node, before?.last, snapshot);
    if (decision.kind !== 'accept') return decision;
    const { now, ttlSeconds } = moment;
    const word = { snapshot, text, receivedAt: now, ttlSeconds, transport };
    // What was not written since is materially what was: the snapshot before tells as much as its text.
    const isSame = before !== undefined && isMateriallySame(before.snapshot, snapshot);
    const next = writtenOf(word, isSame ? before.written.material : materialOf(snapshot), now);
    const { ttlSeconds: setSeconds, heartbeatWriteMs } = this.#pace;
    const afterMs = rewriteAfterMs(transport, setSeconds, heartbeatWriteMs);
    const isWritten = !mustWrite(before?.written, next, now, afterMs);
    const written = isWritten && before ? before.written : next;
    const live = new LiveNode(word, lastWord(snapshot), written);
    if (!isWritten) this.#store.save(live);
    this.#keep(live);
    return decision;
  }

  /** What another shard must know to go on with the node. */
  portable(node: string): PortableNode | undefined {
    const live = this.#nodes.get(node);
    if (live === undefined) return undefined;
    const { snapshot, receivedAt, ttlSeconds, transport, last } = live;
    return { snapshot, receivedAt, ttlSeconds, transport, last };
  }

  /** Takes over what another shard knew; false where the node has been heard here since. */
  adopt(portable: PortableNode): boolean {
    const { snapshot, receivedAt } = portable;
    const here = this.#nodes.get(snapshot.target);
    if (here !== undefined && here.receivedAt >= receivedAt) return false;
    const written = writtenOf(portable, materialOf(snapshot), receivedAt);
    const live = new LiveNode(portable, portable.last, written);
    this.#store.save(live);
    this.#keep(live);
    return true;
  }

  /** True where there was something to remove. */
  remove(node: string): boolean {
    if (this.#nodes.get(node)?.transport === 'post') this.#posting -= 1;
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

  /** Only the time and the figures of a heartbeat are new: nobody waits for them, and one commit serves many nodes. */
  #writeSoon(live: LiveNode): void {
    if (this.#due.size === 0) setTimeout(() => this.#writeDue(Date.now()), WRITTEN_WITHIN_MS);
    this.#due.add(live);
  }

  #writeDue(now: number): void {
    const due = [...this.#due];
    // Empty before anything is written: the next one sets the next timer.
    this.#due.clear();
    for (const live of due) {
      // One that was removed must not come back, and one that was replaced was judged when it was.
      if (this.#nodes.get(live.node) !== live) continue;
      this.#store.save(live);
      live.wrote(now);
    }
  }

  #keep(live: LiveNode): void {
    if (this.#nodes.get(live.node)?.transport === 'post') this.#posting -= 1;
    if (live.transport === 'post') this.#posting += 1;
    this.#nodes.set(live.node, live);
  }
}

function writtenOf({ transport, ttlSeconds }: StoredSnapshot, material: string, writtenAt: number): Written {
  return { material, transport, ttlSeconds, writtenAt };
}

function lastWord(snapshot: Snapshot): LastWord {
  return { bootId: snapshot.boot_id, seq: snapshot.seq };
}
