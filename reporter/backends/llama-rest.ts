// Owns how a model that is to sleep when idle is left in peace. A look at /slots counts as use for its timer; one at
// /metrics does in older builds only, which is found out by trying.

/** A timer that ran out is noticed by the server at once; this is for clocks and a slow machine. */
const MARGIN_MS = 2_000;

export class Rest {
  readonly #sleepIdleMs: number;
  #untilMs = 0;
  /** The counters that this rest began with; what moves them is use. */
  #work: string | undefined;
  #metricsAsked = false;
  /** Kept over sleeps: it is the build that decides. */
  readonly #learned: Learned;

  constructor(sleepIdleMs: number, learned: Learned) {
    this.#sleepIdleMs = sleepIdleMs;
    this.#learned = learned;
  }

  mayAsk(nowMs: number): 'everything' | 'metrics' | 'nothing' {
    if (nowMs < this.#untilMs) return this.#learned.metricsIsUse ? 'nothing' : 'metrics';
    // It had the time to fall asleep, nobody else used it, and it is awake.
    if (this.#metricsAsked) this.#learned.metricsIsUse = true;
    return 'everything';
  }

  /** Nothing is at work: from now on it could fall asleep. */
  begin(nowMs: number, work: string | undefined): void {
    this.#untilMs = nowMs + this.#sleepIdleMs + MARGIN_MS;
    this.#work = work;
    this.#metricsAsked = false;
  }

  /** /metrics was asked at rest; work that came and went in between begins the rest anew. */
  metricsRead(nowMs: number, work: string): void {
    if (work === this.#work) this.#metricsAsked = true;
    else this.begin(nowMs, work);
  }

  /** Somebody is at work, or it sleeps. */
  end(): void {
    this.#untilMs = 0;
    this.#metricsAsked = false;
  }
}

export type Learned = { metricsIsUse: boolean };
