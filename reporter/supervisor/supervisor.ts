// Owns the set of runtimes of this host: their start, the commands that reach them, what another manifest makes of them,
// and their common end.

import type { Act } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Endpoint } from '../backends/backend.ts';
import type { Change } from '../manifest-diff.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import { routableOf, type Routable } from '../gateway/routable.ts';
import { failure } from './decision.ts';
import type { RuntimeLog } from './logs.ts';
import type { ManagedRuntime } from './managed-runtime.ts';
import type { RuntimeParts } from './runtime-loop.ts';
import type { Outcome } from './state.ts';
import type { Variant } from './variant.ts';

/** A reporter has 10 s to end, whatever a manifest allows a runtime that is stopped alone. */
const STOP_GRACE_AT_END_MS = 5_000;

/** How an entry of a manifest becomes a runtime, or other parts of one that there is. */
export type RuntimeMaker = {
  make(entry: RuntimeEntry): ManagedRuntime;
  partsOf(entry: RuntimeEntry): RuntimeParts;
};

export class Supervisor {
  readonly #runtimes: Map<string, ManagedRuntime>;
  /** No longer in the manifest, and on their way down. */
  readonly #leaving = new Set<string>();
  #ending = false;

  constructor(runtimes: readonly ManagedRuntime[]) {
    this.#runtimes = new Map(runtimes.map((runtime) => [runtime.id, runtime]));
  }

  records(): RuntimeRecord[] {
    return [...this.#runtimes.values()].map((runtime) => runtime.record());
  }

  /** What the runtime writes; undefined where there is no such runtime, or nothing of it is written here. */
  outputOf(runtimeId: string): RuntimeLog | undefined {
    return this.#runtimes.get(runtimeId)?.output;
  }

  /** Where a runtime takes requests; undefined where there is none of that id, or none may be sent. */
  endpointOf(runtimeId: string): Endpoint | undefined {
    return this.#runtimes.get(runtimeId)?.endpoint();
  }

  /** What runtimes are launched as where commands changed it. */
  variants(): Map<string, Variant> {
    return new Map([...this.#runtimes].map(([id, runtime]) => [id, runtime.variant]));
  }

  /** What the gateway may choose from, as of now. */
  routables(): Routable[] {
    return [...this.#runtimes.values()].map((runtime) =>
      routableOf(runtime.record(), runtime.endpoint(), runtime),
    );
  }

  /** Takes over what an earlier reporter left running; to be awaited before anything is started. */
  async adopt(): Promise<void> {
    await Promise.all([...this.#runtimes.values()].map((runtime) => runtime.adopt()));
  }

  /** Starts without spending: the first launch of a runtime is no restart. What an operator shut down stays down. */
  start(runtimeIds: readonly string[]): void {
    for (const id of runtimeIds) this.#runtimes.get(id)?.start();
  }

  /** Carries out one command and resolves with how it ended; a runtime that is not there is an outcome too. */
  async carryOut(id: string, runtimeId: string, act: Act): Promise<Outcome> {
    // It would supersede the stop that is under way, and its child would outlive us.
    if (this.#ending) return failure('reporter-ending', 'The reporter is ending; ask again when it is back');
    const runtime = this.#runtimes.get(runtimeId);
    if (runtime === undefined || this.#leaving.has(runtimeId)) {
      return failure('unknown-runtime', `This node has no runtime "${runtimeId}"`);
    }
    return runtime.carryOut(id, act);
  }

  /**
   * Puts another manifest in force; resolves when what is gone has ended and what is new has been started. What is new
   * waits for what is gone: a runtime that only got another name keeps its port.
   */
  async apply(changes: readonly Change[], maker: RuntimeMaker): Promise<void> {
    if (this.#ending) return;
    const [taken, moved] = this.#split(changes);
    const leaving = changes.flatMap((change) => (change.kind === 'remove' ? [this.#remove(change.id)] : []));
    const movedAway = moved.map(async ({ id, entry }) => {
      await this.#remove(id);
      return this.#runtimes.has(id) ? [] : [this.#make(entry, maker)];
    });
    const made = taken.flatMap((change) => this.#take(change, maker) ?? []);
    this.#orderBy(changes.map(({ id }) => id));
    await Promise.all(leaving);
    made.push(...(await Promise.all(movedAway)).flat());
    this.#orderBy(changes.map(({ id }) => id));
    await Promise.all(made.map((runtime) => runtime.adopt()));
    const added = changes.flatMap((change) => (change.kind === 'add' ? [change.entry] : []));
    const starting = added.filter(({ id, auto_start }) => auto_start !== false && !this.#leaving.has(id));
    if (!this.#ending) this.start(starting.map(({ id }) => id));
  }

  /** What is to be an endpoint elsewhere from now on, while a process of this host bears its name, is to end first. */
  #split(changes: readonly Change[]): [Change[], { id: string; entry: RuntimeEntry }[]] {
    const moved = changes.filter(
      (change) =>
        (change.kind === 'update' || change.kind === 'restart') &&
        change.entry.adapter === 'remote' &&
        this.#runtimes.get(change.id)?.replace !== undefined,
    );
    const entries = moved.flatMap((change) =>
      'entry' in change ? [{ id: change.id, entry: change.entry }] : [],
    );
    return [changes.filter((change) => !moved.includes(change)), entries];
  }

  /** Returns the runtime where it made one. */
  #take(change: Change, maker: RuntimeMaker): ManagedRuntime | undefined {
    const runtime = this.#runtimes.get(change.id);
    switch (change.kind) {
      case 'keep':
      case 'remove':
        return undefined;
      case 'update':
      case 'restart':
        if (runtime?.replace === undefined) return this.#make(change.entry, maker);
        runtime.replace(maker.partsOf(change.entry), change.kind === 'restart');
        return undefined;
      case 'add':
        // Taken out and put back before it was down: the loop that stops it starts it again.
        this.#leaving.delete(change.id);
        if (runtime?.replace === undefined) return this.#make(change.entry, maker);
        runtime.replace(maker.partsOf(change.entry), false);
        return undefined;
      default:
        return change satisfies never;
    }
  }

  /** Instead of one that was only watched, where there is one of that name. */
  #make(entry: RuntimeEntry, maker: RuntimeMaker): ManagedRuntime {
    this.#runtimes.get(entry.id)?.release();
    const runtime = maker.make(entry);
    this.#runtimes.set(entry.id, runtime);
    return runtime;
  }

  async #remove(id: string): Promise<void> {
    const runtime = this.#runtimes.get(id);
    if (runtime === undefined) return;
    this.#leaving.add(id);
    const outcome = await runtime.shutDown();
    // A process that cannot be ended stays in sight.
    if (!outcome.ok || !this.#leaving.delete(id)) return;
    runtime.release();
    this.#runtimes.delete(id);
  }

  /** Runtimes are told in the order of the manifest, those on their way down after it. */
  #orderBy(ids: readonly string[]): void {
    const runtimes = new Map(this.#runtimes);
    this.#runtimes.clear();
    for (const id of [...ids, ...runtimes.keys()]) {
      const runtime = runtimes.get(id);
      if (runtime !== undefined) this.#runtimes.set(id, runtime);
    }
  }

  /** Lets go of every child: they go on serving, and the next reporter adopts them. */
  release(): void {
    this.#ending = true;
    for (const runtime of this.#runtimes.values()) runtime.release();
  }

  /** Stops every child, for good; resolves when all have ended or cannot be ended. */
  async shutDown(): Promise<void> {
    this.#ending = true;
    await Promise.all([...this.#runtimes.values()].map((runtime) => runtime.shutDown(STOP_GRACE_AT_END_MS)));
  }
}
