// Owns what can be added up over runtimes, and what one node adds. All sums are whole numbers, so that adding and taking
// away again, in any order and in any split over shards, gives exactly the same.

import type { Model, RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { RUNTIME_STATES, type RuntimeState } from '../../contract/words.ts';
import { hardwareOf } from './hardware.ts';

export const MODEL_STATES = [
  'unloaded',
  'loading',
  'loaded',
  'sleeping',
  'downloading',
  'failed',
  'unknown',
] as const satisfies readonly Model['state'][];
export type ModelState = (typeof MODEL_STATES)[number];

const FIGURES = [
  'nodes',
  'stale_nodes',
  'runtimes',
  /** Of the `unknown` ones: their node is stale. */
  'silent',
  'draining',
  /** Of the `ready` ones: their severity is not `info`. */
  'ready_warned',
  /** Of the `offline` ones: switched off on purpose. */
  'shut_down',
  'capacity',
  'capacity_told',
  'inflight',
  'inflight_told',
  'queued',
  'queued_told',
  /** Of the runtimes that told both. */
  'slots',
  'slots_busy',
  /** Thousandths of tokens a second. */
  'pace_milli',
  'pace_told',
  /** Of the runtimes that told both. */
  'requests',
  'errors',
  'latency_micros',
  'latency_told',
  'restarts_max',
  'restarts_remaining',
  'restarts_exhausted',
  'restarts_told',
] as const;

type Figure = (typeof FIGURES)[number] | RuntimeState | `model_${ModelState}`;

const SUM_NAMES: readonly Figure[] = [
  ...FIGURES,
  ...RUNTIME_STATES,
  ...MODEL_STATES.map((state) => `model_${state}` as const),
];

/** A sum that is 0 is left out. */
export type Sums = Partial<Record<Figure, number>>;

/** Which model, hardware and sandbox; what the runtimes do not name is left out. */
export type CellName = { model?: string; hardware: string; sandbox?: string };
export type CellSums = { name: CellName; sums: Sums };

/** What one node adds, to all and to its cells. */
export type Contribution = { total: Sums; cells: ReadonlyMap<string, CellSums> };

/** No sum of so many can leave the whole numbers that are exact, whatever a host writes. */
const LARGEST_FIGURE = 1e9;

export function cellKey({ model, hardware, sandbox }: CellName): string {
  return JSON.stringify([model ?? null, hardware, sandbox ?? null]);
}

/** Adds in place. @param times -1 takes away. */
export function addTo(sums: Sums, more: Sums, times: 1 | -1 = 1): void {
  for (const name of SUM_NAMES) {
    const added = more[name];
    if (added === undefined) continue;
    const sum = (sums[name] ?? 0) + times * added;
    if (sum === 0) delete sums[name];
    else sums[name] = sum;
  }
}

/** A copy whose members are in one order, so that equal sums are equal texts. */
export function copied(sums: Sums): Sums {
  const copy: Sums = {};
  addTo(copy, sums);
  return copy;
}

/** @param isStale the node is silent for longer than it may: nothing that it said counts but that it was there. */
export function contributionOf(snapshot: Snapshot, isStale: boolean): Contribution {
  const total: Sums = { nodes: 1, ...(isStale && { stale_nodes: 1 }) };
  const cells = new Map<string, CellSums>();
  for (const record of snapshot.runtimes) {
    const { accelerator, models = [], sandbox } = record.descriptor;
    const sums = isStale ? silentSums() : liveSums(record);
    addTo(total, sums);
    const place = {
      hardware: hardwareOf(accelerator, snapshot.accelerators ?? []),
      ...(sandbox !== undefined && { sandbox }),
    };
    const states = new Map(models.map(({ id, state }): [string | undefined, ModelState] => [id, state]));
    // A runtime that names no model is somewhere too.
    if (states.size === 0) states.set(undefined, 'unknown');
    for (const [model, state] of states) {
      const name: CellName = { ...(model !== undefined && { model }), ...place };
      const key = cellKey(name);
      const cell = cells.get(key) ?? { name, sums: { nodes: 1, ...(isStale && { stale_nodes: 1 }) } };
      addTo(cell.sums, sums);
      if (model !== undefined) addTo(cell.sums, { [`model_${isStale ? 'unknown' : state}`]: 1 });
      cells.set(key, cell);
    }
  }
  return { total, cells };
}

function silentSums(): Sums {
  return { runtimes: 1, unknown: 1, silent: 1 };
}

function liveSums({ status }: RuntimeRecord): Sums {
  const { state, severity, health = {}, restart_budget: budget } = status;
  const isDraining = status.draining === true;
  const takesWork = (state === 'ready' || state === 'degraded') && !isDraining;
  const {
    inflight_jobs: inflight,
    queued_jobs: queued,
    request_count: requests,
    error_count: errors,
  } = health;
  const capacity = takesWork ? health.capacity : undefined;
  const pace = health.predicted_tokens_per_second;
  const sums: Sums = {
    runtimes: 1,
    [state]: 1,
    draining: isDraining ? 1 : 0,
    ready_warned: state === 'ready' && severity !== 'info' ? 1 : 0,
    shut_down: state === 'offline' && severity === 'info' ? 1 : 0,
    ...told('capacity', capacity),
    ...told('inflight', inflight),
    ...told('queued', queued),
    ...(capacity !== undefined &&
      inflight !== undefined && { slots: bounded(capacity), slots_busy: bounded(inflight) }),
    ...(pace !== undefined && { pace_milli: bounded(pace * 1000), pace_told: 1 }),
    ...(requests !== undefined &&
      errors !== undefined && { requests: bounded(requests), errors: bounded(Math.min(errors, requests)) }),
    ...(health.latency_ms !== undefined && {
      latency_micros: bounded(health.latency_ms * 1000),
      latency_told: 1,
    }),
    ...(budget !== undefined && {
      restarts_max: bounded(budget.max_restarts),
      restarts_remaining: bounded(budget.remaining),
      restarts_exhausted: budget.remaining === 0 && budget.used > 0 ? 1 : 0,
      restarts_told: 1,
    }),
  };
  return sums;
}

function told(name: 'capacity' | 'inflight' | 'queued', figure: number | undefined): Sums {
  return figure === undefined ? {} : { [name]: bounded(figure), [`${name}_told`]: 1 };
}

function bounded(figure: number): number {
  return Math.min(LARGEST_FIGURE, Math.round(figure));
}
