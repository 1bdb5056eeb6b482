// Owns what can be added up over runtimes, and what one runtime adds. All sums are whole numbers, so that adding and taking
// away again, in any order and in any split over shards, gives exactly the same.

import type { AcceleratorReading } from './accelerator.ts';
import type { Model, RuntimeRecord } from './runtime-record.ts';
import { hardwareOf } from './hardware.ts';

type ModelState = Model['state'];

/** Copied, never made member by member: all sums are objects of one shape. */
const NOTHING = {
  nodes: 0,
  stale_nodes: 0,
  runtimes: 0,
  unknown: 0,
  starting: 0,
  ready: 0,
  degraded: 0,
  error: 0,
  offline: 0,
  /** Of the `unknown` ones: their node is stale. */
  silent: 0,
  /** Of the `ready` ones: their severity is not `info`. */
  ready_warned: 0,
  /** Of the `offline` ones: switched off on purpose. */
  shut_down: 0,
  draining: 0,
  capacity: 0,
  capacity_told: 0,
  inflight: 0,
  inflight_told: 0,
  queued: 0,
  queued_told: 0,
  /** Of the runtimes that told both. */
  slots: 0,
  slots_busy: 0,
  /** Thousandths of tokens a second. */
  pace_milli: 0,
  pace_told: 0,
  /** Of the runtimes that told both. */
  requests: 0,
  errors: 0,
  latency_micros: 0,
  latency_told: 0,
  restarts_max: 0,
  restarts_remaining: 0,
  restarts_exhausted: 0,
  restarts_told: 0,
  model_unloaded: 0,
  model_loading: 0,
  model_loaded: 0,
  model_sleeping: 0,
  model_downloading: 0,
  model_failed: 0,
  model_unknown: 0,
};

export type Sums = { [Figure in keyof typeof NOTHING]: number };

/** Sums on their way: what is 0 is left out. */
export type SparseSums = Partial<Sums>;

/** Which model, hardware and sandbox; what the runtimes do not name is left out. */
export type CellName = { model?: string; hardware: string; sandbox?: string };

/** What one runtime adds to all and to each of its cells; what it says of a model it adds to that cell alone. */
export type Share = { sums: Sums; cells: { name: CellName; model: ModelState | undefined }[] };

// The keys of an object are told as texts: these are the names that it was written with.
const FIGURES = Object.keys(NOTHING).filter((name): name is keyof Sums => name in NOTHING);

/** No sum of so many can leave the whole numbers that are exact, whatever a host writes. */
const LARGEST_FIGURE = 1e9;

export function noSums(): Sums {
  return { ...NOTHING };
}

/** Adds in place. @param times -1 takes away. */
export function addTo(sums: Sums, more: Readonly<SparseSums>, times: 1 | -1 = 1): void {
  for (const figure of FIGURES) sums[figure] += times * (more[figure] ?? 0);
}

export function isSameSums(a: Sums, b: Sums): boolean {
  return FIGURES.every((figure) => a[figure] === b[figure]);
}

export function sparse(sums: Sums): SparseSums {
  const told: SparseSums = {};
  for (const figure of FIGURES) if (sums[figure] !== 0) told[figure] = sums[figure];
  return told;
}

export function cellKey({ model, hardware, sandbox }: CellName): string {
  return JSON.stringify([model ?? null, hardware, sandbox ?? null]);
}

/** @param isStale its node is silent for longer than it may: nothing that was said counts but that it was there. */
export function shareOf(
  record: RuntimeRecord,
  readings: readonly AcceleratorReading[],
  isStale: boolean,
): Share {
  const { accelerator, models = [], sandbox } = record.descriptor;
  const hardware = hardwareOf(accelerator, readings);
  const place = sandbox === undefined ? { hardware } : { hardware, sandbox };
  const states = new Map(models.map(({ id, state }) => [id, isStale ? 'unknown' : state]));
  const cells = [...states].map(([model, state]) => ({ name: { model, ...place }, model: state }));
  return {
    sums: isStale ? { ...NOTHING, runtimes: 1, unknown: 1, silent: 1 } : liveSums(record),
    // A runtime that names no model is somewhere too.
    cells: cells.length > 0 ? cells : [{ name: place, model: undefined }],
  };
}

function liveSums({ status }: RuntimeRecord): Sums {
  const { state, severity, health = {}, restart_budget: budget } = status;
  const sums = noSums();
  sums.runtimes = 1;
  sums[state] = 1;
  if (status.draining === true) sums.draining = 1;
  if (state === 'ready' && severity !== 'info') sums.ready_warned = 1;
  if (state === 'offline' && severity === 'info') sums.shut_down = 1;
  const { inflight_jobs: inflight, queued_jobs: queued, latency_ms: latency } = health;
  const takesWork = (state === 'ready' || state === 'degraded') && status.draining !== true;
  if (takesWork && health.capacity !== undefined) {
    sums.capacity = bounded(health.capacity);
    sums.capacity_told = 1;
    if (inflight !== undefined) {
      sums.slots = sums.capacity;
      sums.slots_busy = bounded(inflight);
    }
  }
  if (inflight !== undefined) {
    sums.inflight = bounded(inflight);
    sums.inflight_told = 1;
  }
  if (queued !== undefined) {
    sums.queued = bounded(queued);
    sums.queued_told = 1;
  }
  if (health.predicted_tokens_per_second !== undefined) {
    sums.pace_milli = bounded(health.predicted_tokens_per_second * 1000);
    sums.pace_told = 1;
  }
  if (health.request_count !== undefined && health.error_count !== undefined) {
    sums.requests = bounded(health.request_count);
    sums.errors = Math.min(sums.requests, bounded(health.error_count));
  }
  if (latency !== undefined) {
    sums.latency_micros = bounded(latency * 1000);
    sums.latency_told = 1;
  }
  if (budget !== undefined) {
    sums.restarts_max = bounded(budget.max_restarts);
    sums.restarts_remaining = bounded(budget.remaining);
    sums.restarts_exhausted = budget.remaining === 0 && budget.used > 0 ? 1 : 0;
    sums.restarts_told = 1;
  }
  return sums;
}

function bounded(figure: number): number {
  return Math.min(LARGEST_FIGURE, Math.round(figure));
}
