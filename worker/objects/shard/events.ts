// Owns what a shard tells Fleet of its nodes: news of accepted snapshots and silences, kept in SQLite until Fleet has
// it, told in order. A heartbeat that is no news costs a comparison, and no row.

import type { EventDraft } from '../../../contract/events.ts';
import { nextEventId } from '../../domain/event-stream.ts';
import { expiresAt, isStale } from '../../domain/freshness.ts';
import { earliest } from '../../domain/next-alarm.ts';
import { retryAfterMs } from '../../domain/outbox.ts';
import { isAt, type Place } from '../../domain/shard-of.ts';
import { modelsGone, nodeRemoved, nodeStale, transitions, type Word } from '../../domain/transitions.ts';
import type { FleetRpc } from '../rpc.ts';
import type { OutboxStore } from '../store/outbox-store.ts';
import type { Transport } from '../store/shard-store.ts';

/** More than this waits for nobody: whoever keeps state will be told that something is missing. */
const MAX_UNTOLD = 2000;
/** What one call tells. */
const BATCH = 200;

const CALL_AGAIN_MS = 30_000;

/** The name is there without a look at the snapshot, which may have to be parsed for it. */
type KeptWord = Word & { node: string };

type Untold = { id: number; draft: EventDraft };

export type ShardEventsOptions = {
  store: OutboxStore;
  place: Place;
  ttlSeconds: number;
  fleet: () => Pick<FleetRpc, 'publish'>;
  /** Something failed: the alarm must come by then. */
  arm: (at: number) => void;
  /** Nodes fell silent that live elsewhere by now: lets their new homes bring them, and tell it. */
  callHome: (nodes: readonly string[]) => Promise<void>;
};

export class ShardEvents {
  readonly #options: ShardEventsOptions;
  readonly #silences: Map<string, number>;
  /** Silent nodes whose new home was asked to bring them. */
  readonly #called = new Set<string>();
  #untold: Untold[];
  #lastId: number;
  /** What was read from the store may have reached Fleet in another life of this object. */
  #isRepeat: boolean;
  #lost = 0;
  #failures = 0;
  #retryAt = 0;
  #isTelling = false;

  constructor(options: ShardEventsOptions) {
    this.#options = options;
    this.#silences = new Map(options.store.silences());
    this.#untold = options.store.untold().map(({ id, body }) => ({ id, draft: JSON.parse(body) }));
    this.#lastId = this.#untold.at(-1)?.id ?? 0;
    this.#isRepeat = this.#untold.length > 0;
  }

  /** Something was done about its silence, so its next word is more than a heartbeat. */
  isSilent(node: string): boolean {
    return this.#silences.has(node) || this.#called.has(node);
  }

  /** A snapshot was accepted. `before` is the node's word before it. */
  took(before: Word | undefined, heard: Word & { transport: Transport }, now: number): void {
    const node = heard.snapshot.target;
    // Of a node that was elsewhere meanwhile nothing is known here but what it says now.
    const silentSince = before && this.#silences.get(node);
    this.#forgetSilence(node);
    const drafts = transitions(before, { ...heard, silentSince });
    if (drafts.length > 0) this.tell(drafts, now);
  }

  /** Tells what happened: durable with everything else that is written in this turn, under way before it ends. */
  tell(drafts: readonly EventDraft[], now: number): void {
    for (const draft of drafts) {
      const id = nextEventId(this.#lastId, now);
      this.#lastId = id;
      this.#options.store.add({ id, body: JSON.stringify(draft) });
      this.#untold.push({ id, draft });
    }
    this.#bound();
    if (now >= this.#retryAt) void this.#flush();
  }

  /** Time passed: who fell silent, who will be forgotten by `forget`, and what could not be told before. */
  passTime(nodes: Iterable<KeptWord>, forgotten: (node: string) => boolean, now: number): void {
    const drafts: EventDraft[] = [];
    const strays: string[] = [];
    for (const word of nodes) {
      const { node } = word;
      if (forgotten(node)) {
        this.#forgetSilence(node);
        if (!isAt(node, this.#options.place)) continue;
        drafts.push(nodeRemoved(node, 'retention', now, word.receivedAt), ...modelsGone(word.snapshot, now));
      } else if (this.#isNewlySilent(word, now)) {
        if (!isAt(node, this.#options.place)) {
          strays.push(node);
          continue;
        }
        this.#silences.set(node, word.receivedAt);
        this.#options.store.addSilence(node, word.receivedAt);
        drafts.push(nodeStale(word, this.#options.ttlSeconds, now));
      }
    }
    this.tell(drafts, now);
    if (strays.length > 0) void this.#callHome(strays);
  }

  /** The node was removed: Fleet, which did it, tells; of its models only the shard knew. */
  removed(node: string, word: Word | undefined, now: number): void {
    this.#forgetSilence(node);
    if (word !== undefined) this.tell(modelsGone(word.snapshot, now), now);
  }

  /** Begins to tell what another life of this object left untold. */
  start(): void {
    void this.#flush();
  }

  /** When the node is silent unless it is heard. */
  silentAt(word: KeptWord): number | undefined {
    return this.isSilent(word.node) ? undefined : expiresAt(word, this.#options.ttlSeconds);
  }

  nextDeadline(nodes: Iterable<KeptWord>): number | undefined {
    const silent = earliest([...nodes].map((word) => this.silentAt(word)));
    return earliest([silent, this.#untold.length > 0 && !this.#isTelling ? this.#retryAt : undefined]);
  }

  /** When the node was last heard before a silence that was told; undefined where none was. */
  silentSince(node: string): number | undefined {
    return this.#silences.get(node);
  }

  /** What another shard told, or did not tell, of the silence of a node. */
  setSilence(node: string, since: number | undefined): void {
    this.#forgetSilence(node);
    if (since === undefined) return;
    this.#silences.set(node, since);
    this.#options.store.addSilence(node, since);
  }

  async #callHome(nodes: readonly string[]): Promise<void> {
    for (const node of nodes) this.#called.add(node);
    try {
      await this.#options.callHome(nodes);
    } catch (error) {
      console.error(`Could not let ${nodes.length} silent nodes come home; trying again`, error);
      this.#options.arm(Date.now() + CALL_AGAIN_MS);
      for (const node of nodes) this.#called.delete(node);
    }
  }

  #isNewlySilent(word: KeptWord, now: number): boolean {
    return this.silentAt(word) !== undefined && isStale(word, this.#options.ttlSeconds, now);
  }

  #forgetSilence(node: string): void {
    this.#called.delete(node);
    if (this.#silences.delete(node)) this.#options.store.removeSilence(node);
  }

  /** One call after the other, so that Fleet hears things in the order in which they happened. */
  async #flush(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      while (this.#untold.length > 0) await this.#tellNext();
      this.#failures = 0;
      this.#retryAt = 0;
    } catch (error) {
      this.#failures += 1;
      this.#isRepeat = true;
      this.#retryAt = Date.now() + retryAfterMs(this.#failures);
      console.error(`Could not tell Fleet of ${this.#untold.length} events; trying again`, error);
      this.#options.arm(this.#retryAt);
    } finally {
      this.#isTelling = false;
    }
  }

  async #tellNext(): Promise<void> {
    const { place, fleet, store } = this.#options;
    const batch = this.#untold.slice(0, BATCH);
    const last = batch.at(-1);
    if (last === undefined) return;
    const lost = this.#lost;
    const drafts = batch.map(({ id, draft }) => ({ source: `${place.index}:${id}`, draft }));
    await fleet().publish(place, { drafts, isRepeat: this.#isRepeat, lost });
    this.#lost -= lost;
    this.#isRepeat = false;
    store.removeUntil(last.id);
    // By id: what did not fit any more may have gone from the front meanwhile.
    this.#untold = this.#untold.filter(({ id }) => id > last.id);
  }

  #bound(): void {
    const excess = this.#untold.length - MAX_UNTOLD;
    const last = excess > 0 ? this.#untold[excess - 1] : undefined;
    if (last === undefined) return;
    this.#untold = this.#untold.slice(excess);
    this.#options.store.removeUntil(last.id);
    this.#lost += excess;
  }
}
