// Owns what the gateway measured: the snapshot's `http` block. Requests count when they are over. Pure but for what it keeps.

import type { HttpTelemetry } from '../../contract/snapshot.ts';
import type { RouteName } from './routes.ts';
import { HitWindow, WINDOW_SECONDS } from './window.ts';

/** A new figure weighs a fifth: some ten requests say how things are now. */
const EWMA_WEIGHT = 0.2;
/** A route is slow from this average on, which is what people notice of an answer that does not stream. */
const SLOW_MS = 2_000;
const SLOW_ROUTES_TOLD = 3;

export type Hit = {
  route: RouteName;
  /** A 5xx or a failure of a runtime; what a client did wrong, or its going away, is none. */
  isError: boolean;
  /** From the request to the end of the answer; only of answers that a runtime gave in full. */
  durationMs?: number | undefined;
  /** From the request to the first byte of a streamed answer. */
  firstTokenMs?: number | undefined;
};

export class Telemetry {
  readonly #window = new HitWindow();
  /** By route; the value is the average time of its answers. */
  readonly #routes = new Map<RouteName, number | undefined>();
  #hits = 0;
  #errors = 0;
  #inflight = 0;
  #averageMs: number | undefined;
  #firstTokenMs: number | undefined;

  begin(): void {
    this.#inflight += 1;
  }

  end({ route, isError, durationMs, firstTokenMs }: Hit, nowMs: number): void {
    this.#inflight -= 1;
    this.#hits += 1;
    if (isError) this.#errors += 1;
    this.#window.note(isError, nowMs);
    this.#routes.set(route, ewma(this.#routes.get(route), durationMs));
    this.#averageMs = ewma(this.#averageMs, durationMs);
    this.#firstTokenMs = ewma(this.#firstTokenMs, firstTokenMs);
  }

  /** What was never measured is left out; that nothing was asked is known, and is 0. */
  block(nowMs: number): HttpTelemetry {
    const window = this.#window.sums(nowMs);
    const slow = this.#slowRoutes();
    return {
      routes: this.#routes.size,
      hits: this.#hits,
      errors: this.#errors,
      ...(this.#hits > 0 && { error_rate: rounded(this.#errors / this.#hits, 4) }),
      inflight: this.#inflight,
      window_seconds: WINDOW_SECONDS,
      window_hits: window.hits,
      window_errors: window.errors,
      ...(this.#averageMs !== undefined && { avg_ewma_ms: rounded(this.#averageMs, 1) }),
      ...(this.#firstTokenMs !== undefined && { ttft_ewma_ms: rounded(this.#firstTokenMs, 1) }),
      ...(slow.length > 0 && { slow_routes: slow }),
    };
  }

  #slowRoutes(): string[] {
    return [...this.#routes]
      .flatMap(([route, averageMs]) =>
        averageMs !== undefined && averageMs > SLOW_MS ? [{ route, averageMs }] : [],
      )
      .toSorted((a, b) => b.averageMs - a.averageMs)
      .slice(0, SLOW_ROUTES_TOLD)
      .map(({ route, averageMs }) => `${route} (${Math.round(averageMs)} ms)`);
  }
}

/** The first figure is the average; nothing measured changes nothing. */
export function ewma(average: number | undefined, figure: number | undefined): number | undefined {
  if (figure === undefined) return average;
  return average === undefined ? figure : average + EWMA_WEIGHT * (figure - average);
}

function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
