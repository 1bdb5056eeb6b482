// Owns the figures of one loaded model, read without disturbing it: slots, queue, pace, whether its work moves, and
// whether it still gives a token when nobody asks for one.

import type { IdleProbeNews } from '../supervisor/idle-doubt.ts';
import type { Work } from '../supervisor/state.ts';
import type { HttpLook } from './http-probe.ts';
import { readMetrics, readSlots, type MetricsReading, type SlotsReading } from './llama-bodies.ts';
import type { Reading } from './reading.ts';
import type { TokenAnswer } from './llama-idle-probe.ts';
import { IdleProber, type IdleProbeRule } from './llama-idle-prober.ts';
import { Rest, type Learned } from './llama-rest.ts';
import { Throughput, type Pace } from './throughput.ts';

/** What could be read; each figure is absent where it could not, and `notes` say why. */
export type Figures = {
  slots?: { capacity: number; busy: number };
  queued?: number;
  pace: Pace;
  /** Undefined where nothing is at work. */
  work: Work | undefined;
  notes: string[];
  idleProbes: IdleProbeNews[];
};

export type FiguresOptions = {
  now: () => number;
  /** `--sleep-idle-seconds` of this model; undefined where it never sleeps. */
  sleepIdleMs?: number | undefined;
  /** Shared by the models of one server: what its build does. */
  learned: Learned;
  /** Undefined where an idle model is not asked for tokens. */
  idleProbe?: IdleProbeRule | undefined;
};

export type Asking = {
  ask: (path: string) => Promise<HttpLook>;
  token: (timeoutMs: number) => Promise<TokenAnswer>;
};

export class ModelFigures {
  readonly #options: FiguresOptions;
  readonly #throughput = new Throughput();
  readonly #prober: IdleProber | undefined;
  #questionsLeftOut = 0;
  /** As /slots said last; it does not change while the process lives. */
  #capacity: number | undefined;
  readonly #rest: Rest | undefined;

  constructor(options: FiguresOptions) {
    this.#options = options;
    const { sleepIdleMs, learned } = options;
    this.#rest = sleepIdleMs === undefined ? undefined : new Rest(sleepIdleMs, learned);
    this.#prober = options.idleProbe && new IdleProber(options.idleProbe, options.now);
  }

  async read(asking: Asking): Promise<Figures> {
    const { now } = this.#options;
    const may = this.#rest?.mayAsk(now()) ?? 'everything';
    if (may === 'nothing') return this.#nothing();
    const wasAsking = this.#prober?.isAsking === true;
    const [slots, metrics] = await Promise.all([
      may === 'everything' ? asking.ask('/slots').then(readSlots) : undefined,
      asking.ask('/metrics').then(readMetrics),
    ]);
    const metered = metrics.kind === 'known' ? metrics.value : undefined;
    if (slots !== undefined) {
      this.#restAfter(slots, metered);
      return this.#told(slots, metrics, wasAsking, asking);
    }
    if (metered?.processing === undefined || this.#capacity === undefined) return this.#nothing();
    if (metered.processing > 0) {
      this.#rest?.end();
      return this.read(asking);
    }
    this.#rest?.metricsRead(now(), workDone(metered));
    const idle = { capacity: this.#capacity, busy: 0, mark: '' };
    return this.#told({ kind: 'known', value: idle }, metrics, wasAsking, asking);
  }

  #told(
    slots: Reading<SlotsReading>,
    metrics: Reading<MetricsReading>,
    wasAsking: boolean,
    { token }: Asking,
  ): Figures {
    const notes: string[] = [];
    if (slots.kind === 'unknown') notes.push(`Slots unknown (${slots.reason})`);
    if (metrics.kind === 'unknown') notes.push(`Throughput unknown (${metrics.reason})`);
    const metered = metrics.kind === 'known' ? metrics.value : undefined;
    const isAsking = this.#prober?.isAsking === true;
    const pace = this.#paceOf(metered, wasAsking || isAsking);
    const queued = metered?.queued;
    const idleProbes = this.#prober?.takeNews() ?? [];
    const rest = { pace, notes, idleProbes, ...(queued !== undefined && { queued }) };
    if (slots.kind === 'unknown') {
      this.#prober?.note({ kind: 'unknown' }, token);
      return { ...rest, work: { kind: 'unknown' } };
    }
    const { capacity, busy, mark } = slots.value;
    this.#capacity = capacity;
    const counters = metered && workDone(metered);
    this.#prober?.note(
      busy > 0
        ? { kind: 'busy', slots: busy, mark }
        : { kind: 'idle', ...(counters !== undefined && { counters }) },
      token,
    );
    if (this.#prober?.unable !== undefined) {
      notes.push(`Idle probe not possible (${this.#prober.unable}); idle_probe_seconds = 0 switches it off`);
    }
    // Our own question is nobody's job.
    const jobs = busy - (isAsking && busy > 0 ? 1 : 0);
    const work: Work | undefined = jobs === 0 ? undefined : { kind: 'busy', slots: jobs, mark };
    return { ...rest, slots: { capacity, busy: jobs }, work };
  }

  /**
   * The model sleeps, or is not loaded any more: it has no figures, and to ask for them would bring it back.
   * @returns what that settles.
   */
  away(): IdleProbeNews[] {
    this.#rest?.end();
    this.#throughput.reset();
    return this.#prober?.withdraw() ?? [];
  }

  /** A look at the slots began its idle time anew, so the next one waits until it could have fallen asleep. */
  #restAfter(slots: Reading<SlotsReading>, metered: MetricsReading | undefined): void {
    if (slots.kind === 'unknown') return;
    if (slots.value.busy > 0) this.#rest?.end();
    else this.#rest?.begin(this.#options.now(), metered && workDone(metered));
  }

  #nothing(): Figures {
    const notes = ['Slots and pace are not asked for: the model may go to sleep'];
    return { pace: {}, work: undefined, notes, idleProbes: this.#prober?.takeNews() ?? [] };
  }

  /** Tokens of our own question are nobody's pace: what was noted before its end is void. */
  #paceOf(metered: MetricsReading | undefined, isAsking: boolean): Pace {
    if (metered === undefined || isAsking) return {};
    const asked = this.#prober?.asked ?? 0;
    if (asked !== this.#questionsLeftOut) this.#throughput.reset();
    this.#questionsLeftOut = asked;
    this.#throughput.note(metered.counters, this.#options.now());
    return this.#throughput.pace();
  }
}

function workDone({ counters }: MetricsReading): string {
  return `${counters.promptTokens} ${counters.predictedTokens}`;
}
