// Owns the set of supervised runtimes of this host: their start, the commands that reach them, and their common end.

import { randomUUID } from 'node:crypto';
import type { RestoreArgs, CommandKind } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Routable } from '../gateway/routable.ts';
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

  /** What the gateway may choose from, as of now. */
  routables(): Routable[] {
    return [...this.#loops.values()].map((loop) => loop.routable());
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

  /** Starts without spending: the first launch of a runtime is no restart. */
  start(runtimeIds: readonly string[]): void {
    for (const id of runtimeIds) {
      void this.#loops.get(id)?.operate({ kind: 'start', operation: { id: randomUUID(), kind: 'start' } });
    }
  }

  /** Carries out one command and resolves with how it ended; a runtime or preset that is not there is an outcome too. */
  async carryOut(id: string, runtimeId: string, command: SupervisorCommand): Promise<Outcome> {
    // It would supersede the stop that is under way, and its child would outlive us.
    if (this.#ending) return refusal('reporter-ending', 'The reporter is ending; ask again when it is back');
    const loop = this.#loops.get(runtimeId);
    if (loop === undefined) return refusal('unknown-runtime', `This node has no runtime "${runtimeId}"`);
    switch (command.kind) {
      case 'start':
      case 'shutdown':
        return loop.operate({ kind: command.kind, operation: { id, kind: command.kind } });
      case 'restore': {
        const { restart = true, force = false, preset } = command.args;
        if (preset !== undefined && !loop.backend.presets.includes(preset)) {
          const known = loop.backend.presets.join(', ') || 'none';
          return refusal('unknown-preset', `${runtimeId} has no preset "${preset}" (it has: ${known})`);
        }
        const operation = { id, kind: 'restore' as const };
        return loop.operate({
          kind: 'restore',
          operation,
          restart,
          force,
          ...(preset !== undefined && { preset }),
        });
      }
      default:
        return command satisfies never;
    }
  }

  /** Stops every child, for good; resolves when all have ended or cannot be ended. */
  async shutDown(): Promise<void> {
    this.#ending = true;
    await Promise.all(
      [...this.#loops.values()].map((loop) =>
        loop.operate({ kind: 'shutdown', operation: { id: randomUUID(), kind: 'shutdown' } }),
      ),
    );
  }
}

export type SupervisorCommand =
  | { kind: Exclude<CommandKind, 'restore'> }
  | { kind: 'restore'; args: RestoreArgs };

function refusal(reason: string, message: string): Outcome {
  return { ok: false, error: { reason, message } };
}
