// Owns what is done with all runtimes of this host: their start, the commands that reach them, and their common end.

import type { Act } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Endpoint } from '../backends/backend.ts';
import { routableOf, type Routable } from '../gateway/routable.ts';
import type { Change } from '../manifest-diff.ts';
import { failure } from './decision.ts';
import type { RuntimeLog } from './logs.ts';
import type { ManagedRuntime } from './managed-runtime.ts';
import { Roster, type RuntimeMaker } from './roster.ts';
import type { Outcome } from './state.ts';
import type { Variant } from './variant.ts';

/** A reporter has 10 s to end, whatever a manifest allows a runtime that is stopped alone. */
const STOP_GRACE_AT_END_MS = 5_000;

export class Supervisor {
  readonly #roster: Roster;
  /** Made once for each version of a runtime: each request asks for them. */
  readonly #routables = new WeakMap<ManagedRuntime, { version: unknown; routable: Routable }>();
  #ending = false;

  constructor(runtimes: readonly ManagedRuntime[]) {
    this.#roster = new Roster(runtimes);
  }

  records(): RuntimeRecord[] {
    return this.#roster.all().map((runtime) => runtime.record());
  }

  /** What the runtime writes; undefined where there is no such runtime, or nothing of it is written here. */
  outputOf(runtimeId: string): RuntimeLog | undefined {
    return this.#roster.get(runtimeId)?.output;
  }

  /** Where a runtime takes requests; undefined where there is none of that id, or none may be sent. */
  endpointOf(runtimeId: string): Endpoint | undefined {
    return this.#roster.get(runtimeId)?.endpoint();
  }

  /** What runtimes are launched as where commands changed it. */
  variants(): Map<string, Variant> {
    return new Map(this.#roster.all().map(({ id, variant }) => [id, variant]));
  }

  /** What the gateway may choose from, as of now; the seconds in their words are those of the last change. */
  routables(): Routable[] {
    return this.#roster.all().map((runtime) => {
      const { version } = runtime;
      const known = this.#routables.get(runtime);
      if (known !== undefined && known.version === version) return known.routable;
      const routable = routableOf(runtime.record(), runtime.endpoint(), runtime);
      this.#routables.set(runtime, { version, routable });
      return routable;
    });
  }

  /** Takes over what an earlier reporter left running; to be awaited before anything is started. */
  async adopt(): Promise<void> {
    await Promise.all(this.#roster.all().map((runtime) => runtime.adopt()));
  }

  /** Starts without spending: the first launch of a runtime is no restart. What an operator shut down stays down. */
  start(runtimeIds: readonly string[]): void {
    for (const id of runtimeIds) this.#roster.get(id)?.start();
  }

  /** Carries out one command and resolves with how it ended; a runtime that is not there is an outcome too. */
  async carryOut(id: string, runtimeId: string, act: Act): Promise<Outcome> {
    // It would supersede the stop that is under way, and its child would outlive us.
    if (this.#ending) return failure('reporter-ending', 'The reporter is ending; ask again when it is back');
    const runtime = this.#roster.standing(runtimeId);
    if (runtime === undefined) return failure('unknown-runtime', `This node has no runtime "${runtimeId}"`);
    return runtime.carryOut(id, act);
  }

  /** Puts another manifest in force; resolves when that is done. */
  apply(changes: readonly Change[], maker: RuntimeMaker): Promise<void> {
    return this.#roster.apply(changes, maker);
  }

  /** Lets go of every child: they go on serving, and the next reporter adopts them. */
  release(): void {
    this.#end();
    for (const runtime of this.#roster.all()) runtime.release();
  }

  /** Stops every child, for good; resolves when all have ended or cannot be ended. */
  async shutDown(): Promise<void> {
    this.#end();
    await Promise.all(this.#roster.all().map((runtime) => runtime.shutDown(STOP_GRACE_AT_END_MS)));
  }

  #end(): void {
    this.#ending = true;
    this.#roster.end();
  }
}
