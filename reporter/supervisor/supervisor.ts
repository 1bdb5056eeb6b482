// Owns the set of runtimes of this host: their start, the commands that reach them, and their common end.

import type { Act } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Endpoint } from '../backends/backend.ts';
import { routableOf, type Routable } from '../gateway/routable.ts';
import { failure } from './decision.ts';
import type { RuntimeLog } from './logs.ts';
import type { ManagedRuntime } from './managed-runtime.ts';
import type { Outcome } from './state.ts';

export class Supervisor {
  readonly #runtimes: ReadonlyMap<string, ManagedRuntime>;
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

  /** What the gateway may choose from, as of now. */
  routables(): Routable[] {
    return [...this.#runtimes.values()].map((runtime) => routableOf(runtime.record(), runtime.endpoint()));
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
    if (runtime === undefined) return failure('unknown-runtime', `This node has no runtime "${runtimeId}"`);
    return runtime.carryOut(id, act);
  }

  /** Lets go of every child: they go on serving, and the next reporter adopts them. */
  release(): void {
    this.#ending = true;
    for (const runtime of this.#runtimes.values()) runtime.release();
  }

  /** Stops every child, for good; resolves when all have ended or cannot be ended. */
  async shutDown(): Promise<void> {
    this.#ending = true;
    await Promise.all([...this.#runtimes.values()].map((runtime) => runtime.shutDown()));
  }
}
