// Owns the set of supervised runtimes of this host: their start, the commands that reach them, and their common end.

import { randomUUID } from 'node:crypto';
import type { RestoreArgs, CommandKind } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Change } from '../manifest-diff.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import type { RuntimeLoop, RuntimeLoopOptions } from './runtime-loop.ts';
import type { Outcome } from './state.ts';

/** A reporter has 10 s to end, whatever a manifest allows a runtime that is stopped alone. */
const STOP_GRACE_AT_END_MS = 5_000;

export class Supervisor {
  readonly #loops: Map<string, RuntimeLoop>;
  /** No longer in the manifest, and on their way down. */
  readonly #leaving = new Set<string>();
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

  /** Starts without spending: the first launch of a runtime is no restart. */
  start(runtimeIds: readonly string[]): void {
    for (const id of runtimeIds) {
      void this.#loops.get(id)?.operate({ kind: 'start', operation: { id: randomUUID(), kind: 'start' } });
    }
  }

  /** The presets that runtimes were given by command. */
  presets(): Map<string, string | undefined> {
    return new Map([...this.#loops].map(([id, loop]) => [id, loop.preset]));
  }

  /**
   * Puts another manifest in force; resolves when what is gone has ended and what is new has been started. What is new
   * waits for what is gone: a runtime that only got another name keeps its port.
   */
  async apply(changes: readonly Change[], parts: LoopMaker): Promise<void> {
    if (this.#ending) return;
    const leaving = changes.flatMap((change) => (change.kind === 'remove' ? [this.#remove(change.id)] : []));
    const made = changes.flatMap((change) => this.#take(change, parts) ?? []);
    this.#orderBy(changes.map(({ id }) => id));
    await Promise.all(leaving);
    const added = changes.flatMap((change) => (change.kind === 'add' ? [change.entry] : []));
    await Promise.all(made.map((loop) => loop.adopt()));
    const starting = added.filter(({ id, auto_start }) => auto_start !== false && !this.#leaving.has(id));
    if (!this.#ending) this.start(starting.map(({ id }) => id));
  }

  /** Returns the loop where it made one. */
  #take(change: Change, parts: LoopMaker): RuntimeLoop | undefined {
    const loop = this.#loops.get(change.id);
    switch (change.kind) {
      case 'keep':
      case 'remove':
        return undefined;
      case 'update':
      case 'restart':
        loop?.replace(parts.partsOf(change.entry), change.kind === 'restart');
        return undefined;
      case 'add':
        // Taken out and put back before it was down: the loop that stops it starts it again.
        this.#leaving.delete(change.id);
        if (loop !== undefined) {
          loop.replace(parts.partsOf(change.entry), false);
          return undefined;
        }
        return this.#make(change.entry, parts);
      default:
        return change satisfies never;
    }
  }

  #make(entry: RuntimeEntry, parts: LoopMaker): RuntimeLoop {
    const loop = parts.make(entry);
    this.#loops.set(entry.id, loop);
    return loop;
  }

  async #remove(id: string): Promise<void> {
    const loop = this.#loops.get(id);
    if (loop === undefined) return;
    this.#leaving.add(id);
    const outcome = await loop.operate({
      kind: 'shutdown',
      operation: { id: randomUUID(), kind: 'shutdown' },
    });
    // A process that cannot be ended stays in sight.
    if (!outcome.ok || !this.#leaving.delete(id)) return;
    loop.release();
    this.#loops.delete(id);
  }

  /** Runtimes are told in the order of the manifest, those on their way down after it. */
  #orderBy(ids: readonly string[]): void {
    const loops = new Map(this.#loops);
    this.#loops.clear();
    for (const id of [...ids, ...loops.keys()]) {
      const loop = loops.get(id);
      if (loop !== undefined) this.#loops.set(id, loop);
    }
  }

  /** Carries out one command and resolves with how it ended; a runtime or preset that is not there is an outcome too. */
  async carryOut(id: string, runtimeId: string, command: SupervisorCommand): Promise<Outcome> {
    // It would supersede the stop that is under way, and its child would outlive us.
    if (this.#ending) return refusal('reporter-ending', 'The reporter is ending; ask again when it is back');
    const loop = this.#loops.get(runtimeId);
    if (loop === undefined || this.#leaving.has(runtimeId)) {
      return refusal('unknown-runtime', `This node has no runtime "${runtimeId}"`);
    }
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
    await Promise.all([...this.#loops.values()].map((loop) => loop.end(STOP_GRACE_AT_END_MS)));
  }
}

/** How an entry of a manifest becomes a loop, or other parts of one that there is. */
export type LoopMaker = {
  make(entry: RuntimeEntry): RuntimeLoop;
  partsOf(entry: RuntimeEntry): Pick<RuntimeLoopOptions, 'backend' | 'policy'>;
};

export type SupervisorCommand =
  | { kind: Exclude<CommandKind, 'restore'> }
  | { kind: 'restore'; args: RestoreArgs };

function refusal(reason: string, message: string): Outcome {
  return { ok: false, error: { reason, message } };
}
