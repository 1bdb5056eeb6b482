// Owns the actions of a shard's nodes: what runs in memory, every step in SQLite before anybody hears of it.

import type { CommandError } from '../../../contract/command.ts';
import {
  ACTION_KEPT_MS,
  ACTIONS_KEPT_PER_NODE,
  FORGOTTEN,
  stepAction,
  type ActionEvent,
  type ActionRecord,
} from '../../domain/action-life.ts';
import type { EventDraft } from '../../../contract/events.ts';
import { actionEvents } from '../../domain/action-events.ts';
import type { ActionStore } from '../store/action-store.ts';

/** A stream's rows wait so long: each commit holds up everything that this object sends, and one serves many. */
const STREAM_WRITTEN_WITHIN_MS = 1000;

type Running = { record: ActionRecord; stop: (error: CommandError) => void; isStreamed: boolean };

export class Actions {
  readonly #store: ActionStore;
  readonly #onWritten: (events: readonly EventDraft[]) => void;
  readonly #running = new Map<string, Running>();
  /** What ran when this object was put out of memory. */
  readonly #forgotten: ActionRecord[];
  /** Of streams: what is not written yet, by id. */
  readonly #unwritten = new Map<string, ActionRecord>();
  #isWriting = false;
  /** Of those that are not over: whose first row is written. */
  readonly #begun = new Set<string>();

  /** @param onWritten what there is to tell of rows that were just written. */
  constructor(store: ActionStore, onWritten: (events: readonly EventDraft[]) => void) {
    this.#store = store;
    this.#onWritten = onWritten;
    this.#forgotten = store.loadOpen();
  }

  /** Once: what an earlier life of this object left running, which has failed by that. */
  takeForgotten(now: number): ActionRecord[] {
    const forgotten = this.#forgotten.splice(0);
    for (const record of forgotten) {
      this.#begun.add(record.id);
      this.#write(stepAction(record, { type: 'failed', at: now, error: FORGOTTEN }), false);
    }
    return forgotten;
  }

  /**
   * Whoever is told an id finds it here, also after an eviction. Only who reads the stream itself knows the id of a young
   * stream, and sees it break; so its rows may wait.
   * @param stop ends it at its node, which brings its last step.
   */
  begin(record: ActionRecord, isStreamed: boolean, stop: (error: CommandError) => void): void {
    const sent = stepAction(record, { type: 'sent' });
    this.#running.set(record.id, { record: sent, stop, isStreamed });
    this.#write(sent, isStreamed);
  }

  step(id: string, event: ActionEvent): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    this.#running.delete(id);
    this.#write(stepAction(running.record, event), running.isStreamed);
  }

  find(node: string, id: string): ActionRecord | undefined {
    return this.#running.get(id)?.record ?? this.#unwritten.get(id) ?? this.#store.find(node, id);
  }

  findByKey(key: string): ActionRecord | undefined {
    const unwritten = [...this.#unwritten.values()].find(({ idempotencyKey }) => idempotencyKey === key);
    return unwritten ?? this.#store.findByKey(key);
  }

  /** What is over stays as it is. */
  stop(id: string, error: CommandError): void {
    this.#running.get(id)?.stop(error);
  }

  removeOld(now: number): void {
    this.#store.removeFinishedUntil(now - ACTION_KEPT_MS);
  }

  nextDeadline(): number | undefined {
    const oldest = this.#store.oldestFinish();
    return oldest === undefined ? undefined : oldest + ACTION_KEPT_MS;
  }

  #write(record: ActionRecord, mayWait: boolean): void {
    if (mayWait) {
      this.#unwritten.set(record.id, record);
      if (!this.#isWriting) setTimeout(() => this.#writeWaiting(), STREAM_WRITTEN_WITHIN_MS);
      this.#isWriting = true;
      return;
    }
    this.#writeNow([record]);
  }

  #writeWaiting(): void {
    this.#isWriting = false;
    const records = [...this.#unwritten.values()];
    this.#unwritten.clear();
    this.#writeNow(records);
  }

  /** In one turn, and so in one commit. Many streams end at once: what is to be done once for all of them is done once. */
  #writeNow(records: readonly ActionRecord[]): void {
    for (const record of records) this.#store.save(record);
    const events = records.flatMap((record) => actionEvents(record, !this.#begun.has(record.id)));
    const nodes = new Set<string>();
    for (const { id, node, finishedAt } of records) {
      if (finishedAt === null) this.#begun.add(id);
      else {
        this.#begun.delete(id);
        nodes.add(node);
      }
    }
    for (const node of nodes) this.#store.trimFinished(node, ACTIONS_KEPT_PER_NODE);
    this.#onWritten(events);
  }
}
