// Owns the set of supervised runtimes of this host: their start, the commands that reach them, and their common end.

import { randomUUID } from 'node:crypto';
import type { Act } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { carryOut } from './carry-out.ts';
import { failure } from './decision.ts';
import type { RuntimeLoop } from './runtime-loop.ts';
import type { Outcome } from './state.ts';

export class Supervisor {
  readonly #loops: ReadonlyMap<string, RuntimeLoop>;
  #ending = false;

  constructor(loops: readonly RuntimeLoop[]) {
    this.#loops = new Map(loops.map((loop) => [loop.backend.descriptor.id, loop]));
  }

  records(): RuntimeRecord[] {
    return [...this.#loops.values()].map((loop) => loop.record());
  }

  /** Takes over what an earlier reporter left running; to be awaited before anything is started. */
  async adopt(): Promise<void> {
    await Promise.all([...this.#loops.values()].map((loop) => loop.adopt()));
  }

  /** Lets go of every child: they go on serving, and the next reporter adopts them. */
  release(): void {
    this.#ending = true;
    for (const loop of this.#loops.values()) loop.release();
  }

  /** Starts without spending: the first launch of a runtime is no restart. What an operator shut down stays down. */
  start(runtimeIds: readonly string[]): void {
    for (const id of runtimeIds) {
      const loop = this.#loops.get(id);
      if (loop?.isKeptDown === false)
        void loop.operate({ kind: 'start', operation: { id: randomUUID(), kind: 'start' } });
    }
  }

  /** Carries out one command and resolves with how it ended; a runtime or preset that is not there is an outcome too. */
  async carryOut(id: string, runtimeId: string, act: Act): Promise<Outcome> {
    // It would supersede the stop that is under way, and its child would outlive us.
    if (this.#ending) return failure('reporter-ending', 'The reporter is ending; ask again when it is back');
    const loop = this.#loops.get(runtimeId);
    if (loop === undefined) return failure('unknown-runtime', `This node has no runtime "${runtimeId}"`);
    return carryOut(loop, id, act);
  }

  /** Stops every child, for good; resolves when all have ended or cannot be ended. */
  async shutDown(): Promise<void> {
    this.#ending = true;
    await Promise.all(
      [...this.#loops.values()].map((loop) =>
        loop.operate({ kind: 'shutdown', operation: { id: randomUUID(), kind: 'shutdown' }, lasting: false }),
      ),
    );
  }
}
