// Owns the command queue of a shard's nodes: open commands in memory, every step in SQLite before anybody hears of it.

import {
  isFinalJobState,
  type Command,
  type CommandCancel,
  type CommandError,
} from '../../../contract/command.ts';
import { deadline, isDue, step, type CommandEvent, type CommandRecord } from '../../domain/command-life.ts';
import { takenOver } from '../../domain/home.ts';
import type { JobsQuery } from '../../domain/jobs.ts';
import { toFrame } from '../../domain/job.ts';
import { countIn, noEndedJobs, noOpenJobs, type OpenJobs } from '../../domain/counters.ts';
import { earliest } from '../../domain/next-alarm.ts';
import type { CommandStore } from '../store/command-store.ts';

/** How long, and how many for one node, finished commands stay readable as jobs. */
const FINISHED_KEPT_MS = 24 * 3_600_000;
const FINISHED_KEPT = 200;

/** More open commands than this for one node are a mistake, or an attack. */
export const MAX_OPEN = 100;

/** What a command was before a step, undefined for a new one, and what it is after it. */
export type OnStep = (before: CommandRecord | undefined, after: CommandRecord) => void;

export class CommandQueue {
  readonly #store: CommandStore;
  readonly #onStep: OnStep;
  readonly #open = new Map<string, Map<string, CommandRecord>>();
  /** Since this object woke. */
  readonly ended = noEndedJobs();
  /** The highest ordinal of what was open since this object woke: only what is open must stay in order. */
  #lastOrdinal = 0;
  /** Read once in a life. A row that made room meanwhile makes it too early, which costs one look. */
  #oldestFinish: number | undefined;

  /** @param onStep hears of each step in the turn in which it is written. */
  constructor(store: CommandStore, onStep: OnStep) {
    this.#store = store;
    this.#onStep = onStep;
    this.#oldestFinish = store.oldestFinish();
    for (const record of store.loadOpen()) {
      this.#lastOrdinal = Math.max(this.#lastOrdinal, record.ordinal);
      this.#keep(record);
    }
  }

  nodes(): string[] {
    return [...this.#open.keys()];
  }

  openCount(node: string): number {
    return this.#open.get(node)?.size ?? 0;
  }

  openStates(): OpenJobs {
    const open = noOpenJobs();
    for (const records of this.#open.values()) {
      for (const { state } of records.values()) countIn(open, state);
    }
    return open;
  }

  find(node: string, id: string): CommandRecord | undefined {
    return this.#open.get(node)?.get(id) ?? this.#store.find(node, id);
  }

  findByKey(node: string, runtime: string, kind: string, key: string): CommandRecord | undefined {
    return this.#store.findByKey(node, runtime, kind, key);
  }

  /** True where the budget that the node reported by then may not be the one that it has now. */
  mayHaveChangedBudget(node: string, runtime: string, reportedAt: number): boolean {
    return this.#store.hasSince(node, runtime, 'budget', reportedAt);
  }

  /** The place behind everything that is in the queue. */
  nextOrdinal(): number {
    this.#lastOrdinal += 1;
    return this.#lastOrdinal;
  }

  add(record: CommandRecord): void {
    this.#write(undefined, record);
  }

  /** Adds a command that goes out at once: what is written is that it was sent, so that this is one row and not two. */
  addSent(record: CommandRecord, now: number): Command | CommandCancel {
    const sent = step(record, { type: 'sent', at: now, isNewLink: false });
    this.#onStep(undefined, record);
    this.#write(record, sent);
    return toFrame(sent);
  }

  /** Applies what happened to one command; undefined where the node has no such command. */
  apply(node: string, id: string, event: CommandEvent): CommandRecord | undefined {
    const record = this.find(node, id);
    return record && this.#step(record, event);
  }

  /** What goes out to the node now, counted as sent: commands, and which of them it must not begin. */
  takeDue(node: string, now: number, isNewLink: boolean): (Command | CommandCancel)[] {
    return this.#openOf(node).flatMap((record) => {
      // A new link lets a command start over that the old one did not carry; only its expiry counts.
      const settled = this.#step(record, { type: 'tick', at: now, isLinked: !isNewLink });
      if (!isDue(settled, now, isNewLink)) return [];
      return [toFrame(this.#step(settled, { type: 'sent', at: now, isNewLink }))];
    });
  }

  /** Lets time act on the commands of a node that cannot be reached now. */
  tick(node: string, now: number): void {
    for (const record of this.#openOf(node)) this.#step(record, { type: 'tick', at: now, isLinked: false });
  }

  cancelAll(node: string, now: number, error: CommandError): void {
    for (const record of this.#openOf(node)) this.#step(record, { type: 'cancelled', at: now, error });
  }

  /** What is kept, newest first; what should have expired has. */
  page(query: JobsQuery, now: number): CommandRecord[] {
    for (const node of this.nodes()) this.tick(node, now);
    return this.#store.page(query);
  }

  /** All that is kept of the commands of a node, in their order. */
  all(node: string): CommandRecord[] {
    return this.#store.ofNode(node);
  }

  /** Goes on with the commands that another shard held. */
  takeOver(node: string, handed: readonly CommandRecord[]): void {
    const records = takenOver(
      (id) => this.find(node, id),
      handed,
      () => this.nextOrdinal(),
    );
    for (const record of records) {
      this.#store.save(record);
      if (isFinalJobState(record.state)) this.#drop(record);
      else this.#keep(record);
      this.#oldestFinish = earliest([this.#oldestFinish, record.finishedAt ?? undefined]);
    }
    if (records.length > 0) this.#store.trimFinished(node, FINISHED_KEPT);
  }

  /** Another shard goes on with them. */
  forget(node: string): void {
    this.#open.delete(node);
    this.#store.removeAll(node);
  }

  /** When what may have ended now will be removed. */
  forgetsAt(now: number): number {
    return now + FINISHED_KEPT_MS;
  }

  /** Looks through all rows, so it does that only where one may be old enough. */
  removeOld(now: number): void {
    if (this.#oldestFinish === undefined || now < this.#oldestFinish + FINISHED_KEPT_MS) return;
    this.#store.removeFinishedUntil(now - FINISHED_KEPT_MS);
    this.#oldestFinish = this.#store.oldestFinish();
  }

  nextDeadline(isLinked: (node: string) => boolean): number | undefined {
    const open = this.nodes().map((node) => this.deadlineOf(node, isLinked(node)));
    const oldest = this.#oldestFinish;
    return earliest([...open, oldest === undefined ? undefined : oldest + FINISHED_KEPT_MS]);
  }

  /** The earliest of the node's open commands. */
  deadlineOf(node: string, isLinked: boolean): number | undefined {
    return earliest(this.#openOf(node).map((record) => deadline(record, isLinked)));
  }

  #openOf(node: string): CommandRecord[] {
    return [...(this.#open.get(node)?.values() ?? [])];
  }

  #step(record: CommandRecord, event: CommandEvent): CommandRecord {
    const next = step(record, event);
    if (next !== record) this.#write(record, next);
    return next;
  }

  #write(before: CommandRecord | undefined, record: CommandRecord): void {
    this.#store.save(record);
    this.#onStep(before, record);
    if (!isFinalJobState(record.state)) {
      this.#keep(record);
      return;
    }
    countIn(this.ended, record.state);
    this.#drop(record);
    this.#oldestFinish = earliest([this.#oldestFinish, record.finishedAt ?? undefined]);
    this.#store.trimFinished(record.node, FINISHED_KEPT);
  }

  #drop({ node, id }: CommandRecord): void {
    const ofNode = this.#open.get(node);
    ofNode?.delete(id);
    if (ofNode?.size === 0) this.#open.delete(node);
  }

  #keep(record: CommandRecord): void {
    const ofNode = this.#open.get(record.node) ?? new Map<string, CommandRecord>();
    this.#open.set(record.node, ofNode.set(record.id, record));
  }
}
