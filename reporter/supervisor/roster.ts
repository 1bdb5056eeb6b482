// Owns which runtimes there are on this host: those of the manifest in force, and those on their way down. What another
// manifest makes of one runtime happens in turn, so that the last manifest is the one that holds.

import type { Change } from '../manifest-diff.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import type { ManagedRuntime } from './managed-runtime.ts';
import type { RuntimeParts } from './runtime-loop.ts';

/** A process that cannot be ended is looked at again: somebody may end it, or the kernel let go of it. */
const STUCK_RETRY_MS = 15_000;

/** How an entry of a manifest becomes a runtime, or other parts of one that there is. */
export type RuntimeMaker = {
  make(entry: RuntimeEntry): ManagedRuntime;
  partsOf(entry: RuntimeEntry): RuntimeParts;
};

export class Roster {
  readonly #runtimes: Map<string, ManagedRuntime>;
  /** What later manifests say of a runtime; those of the first are in force as they were made. */
  readonly #inForce = new Map<string, RuntimeEntry>();
  /** No longer wanted as they are, and on their way down. */
  readonly #leaving = new Set<string>();
  readonly #turns = new Map<string, Promise<void>>();
  #order: readonly string[];
  #ending = false;

  constructor(runtimes: readonly ManagedRuntime[]) {
    this.#runtimes = new Map(runtimes.map((runtime) => [runtime.id, runtime]));
    this.#order = [...this.#runtimes.keys()];
  }

  /** In the order of the manifest, those on their way down after it. */
  all(): ManagedRuntime[] {
    return [...new Set([...this.#order, ...this.#runtimes.keys()])].flatMap(
      (id) => this.#runtimes.get(id) ?? [],
    );
  }

  get(id: string): ManagedRuntime | undefined {
    return this.#runtimes.get(id);
  }

  /** One that takes commands: it is not on its way out. */
  standing(id: string): ManagedRuntime | undefined {
    return this.#leaving.has(id) ? undefined : this.#runtimes.get(id);
  }

  /** From here on no manifest changes anything. */
  end(): void {
    this.#ending = true;
  }

  /**
   * Puts another manifest in force; resolves when what is gone has ended and what is new has been started. What is new
   * waits for what is gone: a runtime that only got another name keeps its port.
   */
  async apply(changes: readonly Change[], maker: RuntimeMaker): Promise<void> {
    if (this.#ending) return;
    this.#order = changes.flatMap(({ kind, id }) => (kind === 'remove' ? [] : [id]));
    for (const change of changes) {
      if (change.kind === 'remove') this.#inForce.delete(change.id);
      else if (change.kind !== 'keep') this.#inForce.set(change.id, change.entry);
    }
    const removed = Promise.all(
      changes.flatMap(({ kind, id }) =>
        kind === 'remove' ? [this.#inTurn(id, () => this.#remove(id, maker))] : [],
      ),
    );
    const others = changes.flatMap(({ kind, id }) => {
      switch (kind) {
        case 'keep':
        case 'remove':
          return [];
        case 'add':
          return [this.#inTurn(id, () => removed.then(() => this.#add(id, maker)))];
        case 'update':
        case 'restart':
          return [this.#inTurn(id, () => this.#change(id, kind === 'restart', maker))];
        default:
          return kind satisfies never;
      }
    });
    await Promise.all([removed, ...others]);
  }

  #inTurn(id: string, act: () => Promise<void>): Promise<void> {
    // What went wrong before is told where it was awaited.
    const before = this.#turns.get(id)?.catch(() => undefined) ?? Promise.resolve();
    const turn = before.then(act);
    this.#turns.set(id, turn);
    return turn;
  }

  async #add(id: string, maker: RuntimeMaker): Promise<void> {
    const entry = this.#inForce.get(id);
    if (this.#ending || entry === undefined || this.#runtimes.has(id)) return;
    const runtime = maker.make(entry);
    this.#runtimes.set(id, runtime);
    await runtime.adopt();
    if (!this.#ending && entry.auto_start !== false) runtime.start();
  }

  async #change(id: string, relaunch: boolean, maker: RuntimeMaker): Promise<void> {
    const entry = this.#inForce.get(id);
    const runtime = this.#runtimes.get(id);
    if (this.#ending || entry === undefined) return;
    if (runtime?.replace !== undefined && entry.adapter !== 'remote') {
      return runtime.replace(maker.partsOf(entry), relaunch);
    }
    // A process of this host that is to be an endpoint elsewhere, or the other way round, is made anew.
    await this.#remove(id, maker);
    await this.#add(id, maker);
  }

  async #remove(id: string, maker: RuntimeMaker): Promise<void> {
    const runtime = this.#runtimes.get(id);
    if (this.#ending || runtime === undefined) return;
    this.#leaving.add(id);
    const outcome = await runtime.shutDown();
    if (!outcome.ok) {
      // It stays in sight; what is wanted in its place waits for its end.
      setTimeout(() => {
        void this.#inTurn(id, () => this.#remove(id, maker).then(() => this.#add(id, maker)));
      }, STUCK_RETRY_MS).unref();
      return;
    }
    this.#leaving.delete(id);
    runtime.release();
    this.#runtimes.delete(id);
  }
}
