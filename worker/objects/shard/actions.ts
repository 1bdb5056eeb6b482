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
import type { ActionStore } from '../store/action-store.ts';

/** What an action was before a step, undefined where nobody was told of it, and what it is after it. */
export type OnActionStep = (before: ActionRecord | undefined, after: ActionRecord) => void;

type Running = { record: ActionRecord; stop: (error: CommandError) => void; isKept: boolean };

export class Actions {
  readonly #store: ActionStore;
  readonly #onStep: OnActionStep;
  readonly #running = new Map<string, Running>();
  /** What ran when this object was put out of memory. */
  readonly #forgotten: ActionRecord[];

  /** @param onStep hears of each step in the turn in which it is written. */
  constructor(store: ActionStore, onStep: OnActionStep) {
    this.#store = store;
    this.#onStep = onStep;
    this.#forgotten = store.loadOpen();
  }

  /** Once: what an earlier life of this object left running, which has failed by that. */
  takeForgotten(now: number): ActionRecord[] {
    const forgotten = this.#forgotten.splice(0);
    for (const record of forgotten) {
      const failed = stepAction(record, { type: 'failed', at: now, error: FORGOTTEN });
      this.#store.save(failed);
      this.#onStep(record, failed);
    }
    return forgotten;
  }

  /** In memory, until it is kept. @param stop ends it at its node, which brings its last step. */
  begin(record: ActionRecord, stop: (error: CommandError) => void): void {
    this.#running.set(record.id, { record: stepAction(record, { type: 'sent' }), stop, isKept: false });
  }

  /** Before anybody is told its id, but for whoever is told it with the answer itself. */
  keep(id: string): void {
    const running = this.#running.get(id);
    if (running === undefined || running.isKept) return;
    running.isKept = true;
    this.#store.save(running.record);
    this.#onStep(undefined, running.record);
  }

  step(id: string, event: ActionEvent): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    const record = stepAction(running.record, event);
    this.#running.delete(id);
    this.#store.save(record);
    this.#onStep(running.isKept ? running.record : undefined, record);
    this.#store.trimFinished(record.node, ACTIONS_KEPT_PER_NODE);
  }

  find(node: string, id: string): ActionRecord | undefined {
    return this.#running.get(id)?.record ?? this.#store.find(node, id);
  }

  findByKey(key: string): ActionRecord | undefined {
    const running = [...this.#running.values()].find(({ record }) => record.idempotencyKey === key);
    return running?.record ?? this.#store.findByKey(key);
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
}
