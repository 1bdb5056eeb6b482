// Owns that no patch is lost to a load: one that does not fit waits until what was loaded contains it or it fits, since a
// load may be answered with what the hub had made a moment before the patch.

/** What is applied to, by whom it is owned. */
export type Intake<Model, Patch> = {
  /** @returns false where it does not fit what is known. */
  apply: (patch: Patch) => boolean;
  load: (model: Model) => void;
  /** What was answered is older than what is known. */
  isBehind: (model: Model) => boolean;
};

/** Then what still fits nothing is of a shard that the hub no longer has. */
const MAX_LOADS = 5;
/** Of more than these the newest do: what was let go of is in the load that they wait for. */
const MAX_WAITING = 1000;

export class PatchIntake<Model, Patch> {
  readonly #intake: Intake<Model, Patch>;
  #waiting: Patch[] = [];
  #loads = 0;

  constructor(intake: Intake<Model, Patch>) {
    this.#intake = intake;
  }

  /** Some patch waits for a load. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** @returns whether it waits for a load. */
  take(patch: Patch, isLoading: boolean): boolean {
    if (!isLoading && this.#intake.apply(patch)) return false;
    this.#waiting.push(patch);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    return true;
  }

  /** @returns whether to load again, in a moment. */
  loaded(model: Model): boolean {
    this.#loads += 1;
    const isLast = this.#loads >= MAX_LOADS;
    if (isLast || !this.#intake.isBehind(model)) {
      this.#intake.load(model);
      this.#waiting = this.#waiting.filter((patch) => !this.#intake.apply(patch));
      if (isLast || this.#waiting.length === 0) {
        this.#waiting = [];
        this.#loads = 0;
        return false;
      }
    }
    return true;
  }
}
