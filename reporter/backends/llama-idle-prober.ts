// Owns asking an idle model for one token: one question at a time, beside the looks, with a time limit of its own.

import type { IdleProbeNews } from '../supervisor/idle-doubt.ts';
import { look } from './http-probe.ts';
import {
  afterAnswer,
  afterLook,
  freshIdleProbe,
  type Idleness,
  type IdleProbeState,
  type TokenAnswer,
} from './llama-idle-probe.ts';

export type IdleProbeRule = {
  /** How long a model is idle until it is asked, and then again. */
  everyMs: number;
  /** How long one token may take. */
  timeoutMs: number;
};

/** The smallest question there is: no cache of anybody's prompt is read or extended for it. */
const ONE_TOKEN = { prompt: 'a', n_predict: 1, cache_prompt: false, stream: false };

export class IdleProber {
  readonly #rule: IdleProbeRule;
  readonly #now: () => number;
  #state: IdleProbeState = freshIdleProbe();
  readonly #news: IdleProbeNews[] = [];
  #asked = 0;

  constructor(rule: IdleProbeRule, now: () => number) {
    this.#rule = rule;
    this.#now = now;
  }

  /** A question is open: one busy slot is its own. */
  get isAsking(): boolean {
    return this.#state.open !== undefined;
  }

  /** How many questions were asked so far. */
  get asked(): number {
    return this.#asked;
  }

  /** Why this server cannot be asked. */
  get unable(): string | undefined {
    return this.#state.unable;
  }

  /** Notes a look, and asks where that is due; the answer comes with a later look. */
  note(seen: Idleness, ask: (timeoutMs: number) => Promise<TokenAnswer>): void {
    const { everyMs, timeoutMs } = this.#rule;
    const next = afterLook(this.#state, seen, this.#now(), everyMs);
    this.#state = next.state;
    if (!next.ask) return;
    this.#asked += 1;
    void this.#settle(ask(timeoutMs));
  }

  /** What became known since this was last asked for. */
  takeNews(): IdleProbeNews[] {
    return this.#news.splice(0);
  }

  /** The model sleeps or has ended: what was doubted of it is void. */
  withdraw(): IdleProbeNews[] {
    const hadDoubt = this.#state.failures > 0;
    this.#state = afterLook(this.#state, { kind: 'away' }, this.#now(), this.#rule.everyMs).state;
    this.#news.length = 0;
    return hadDoubt ? [{ kind: 'settled' }] : [];
  }

  async #settle(answering: Promise<TokenAnswer>): Promise<void> {
    const next = afterAnswer(this.#state, await answering, this.#now());
    this.#state = next.state;
    if (next.news !== undefined) this.#news.push(next.news);
  }
}

/**
 * Asks for one token. Never throws for what the server does.
 * @param model the model of a router, which is told not to load it for this.
 */
export async function askForToken(
  origin: string,
  options: { headers: Record<string, string>; timeoutMs: number; signal: AbortSignal; model?: string },
): Promise<TokenAnswer> {
  const { headers, timeoutMs, signal, model } = options;
  const path = model === undefined ? '/completion' : '/completion?autoload=false';
  const answer = await look(`${origin}${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ ...ONE_TOKEN, ...(model !== undefined && { model }) }),
    timeoutMs,
    signal,
  });
  if (answer.kind === 'timeout') return { kind: 'none', reason: `no token within ${timeoutMs / 1000} s` };
  // The process is ending, or has: its exit tells more.
  if (answer.kind === 'unreachable') return { kind: 'inconclusive' };
  if (answer.status === 200) return { kind: 'token' };
  if (answer.status === 503) return { kind: 'inconclusive' };
  if (answer.status === 501 || answer.status < 500)
    return { kind: 'unable', reason: `HTTP ${answer.status}` };
  return { kind: 'none', reason: `HTTP ${answer.status}` };
}
