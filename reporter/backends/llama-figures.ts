// Owns the figures of one loaded model, read without disturbing it: slots, queue, pace, whether its work moves, and
// whether it still gives a token when nobody asks for one.

import type { IdleProbeNews } from '../supervisor/idle-doubt.ts';
import type { Work } from '../supervisor/state.ts';
import type { HttpLook } from './http-probe.ts';
import { readMetrics, readSlots, type MetricsReading } from './llama-bodies.ts';
import type { TokenAnswer } from './llama-idle-probe.ts';
import { IdleProber, type IdleProbeRule } from './llama-idle-prober.ts';
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
  /** Undefined where an idle model is not asked for tokens. */
  idleProbe?: IdleProbeRule | undefined;
};

export type Asking = {
  ask: (path: string) => Promise<HttpLook>;
  token: (timeoutMs: number) => Promise<TokenAnswer>;
};

/** A look at the slots counts as use for the server's sleep timer; this much later it has run out for certain. */
const SLEEP_MARGIN_MS = 2_000;

export class ModelFigures {
  readonly #options: FiguresOptions;
  readonly #throughput = new Throughput();
  readonly #prober: IdleProber | undefined;
  #questionsLeftOut = 0;
  /** Until then nothing is asked, so that an idle model can go to sleep. */
  #restUntilMs = 0;

  constructor(options: FiguresOptions) {
    this.#options = options;
    this.#prober = options.idleProbe && new IdleProber(options.idleProbe, options.now);
  }

  async read({ ask, token }: Asking): Promise<Figures> {
    const { now, sleepIdleMs } = this.#options;
    if (now() < this.#restUntilMs)
      return this.#nothing('Slots and pace are not asked for: the model may go to sleep');
    const wasAsking = this.#prober?.isAsking === true;
    const [slots, metrics] = await Promise.all([
      ask('/slots').then(readSlots),
      ask('/metrics').then(readMetrics),
    ]);
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
    if (busy === 0 && sleepIdleMs !== undefined) this.#restUntilMs = now() + sleepIdleMs + SLEEP_MARGIN_MS;
    this.#prober?.note(
      busy > 0
        ? { kind: 'busy', slots: busy, mark }
        : { kind: 'idle', ...(metered && { counters: workDone(metered) }) },
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
    this.#restUntilMs = 0;
    this.#throughput.reset();
    return this.#prober?.withdraw() ?? [];
  }

  #nothing(note: string): Figures {
    return { pace: {}, work: undefined, notes: [note], idleProbes: this.#prober?.takeNews() ?? [] };
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
