// Owns keeping what of a runtime outlives the reporter. A disk that refuses stops no supervision: it is told, once.

import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Child, LaunchSpec } from './child.ts';
import { describeChild, keptState, type Memory, type RememberedChild, type RuntimeMemory } from './memory.ts';
import type { RuntimeState } from './state.ts';
import type { Variant } from './variant.ts';

export class Remembering {
  /** The child that a later reporter may adopt. */
  child: RememberedChild | undefined;
  /** The models that it served last, by id; they outlive its process too. */
  models: readonly string[] = [];
  readonly #memory: RuntimeMemory;
  readonly #log: Log;
  /** Why it could not be written last; empty where it was. */
  #fault = '';

  constructor(memory: RuntimeMemory, log: Log) {
    this.#memory = memory;
    this.#log = log;
  }

  /** What an earlier reporter kept. */
  load(): Memory {
    const { memory, damaged } = this.#memory.load();
    if (damaged) {
      this.#log.warn(`${this.#memory.path} is damaged: earlier restarts and a running child are not known`);
    }
    this.child = memory.child;
    this.models = memory.models ?? [];
    return memory;
  }

  /** Never throws: the child lives already, and what happens to it must not hang on what is remembered of it. */
  async note(child: Child, spec: LaunchSpec, startBytes: number, variant: Variant): Promise<void> {
    try {
      this.child = await describeChild(child.pid, spec, startBytes, variant);
    } catch (error) {
      this.#log.warn(`Process ${child.pid} cannot be adopted later: ${messageOf(error)}`);
    }
  }

  keep(state: RuntimeState): void {
    const served = state.observation?.models ?? [];
    if (served.length > 0) this.models = served.map(({ id }) => id);
    let fault = '';
    try {
      this.#memory.save({
        ...keptState(state),
        ...(this.models.length > 0 && { models: [...this.models] }),
        ...(this.child && { child: this.child }),
      });
    } catch (error) {
      // Only a later reporter would not know what this one did.
      fault = `${this.#memory.path} cannot be written: ${messageOf(error)}`;
    }
    // Once, however many events find the disk full.
    if (fault !== this.#fault) {
      if (fault === '') this.#log.info(`${this.#memory.path} is written again`);
      else this.#log.error(fault);
    }
    this.#fault = fault;
  }
}
