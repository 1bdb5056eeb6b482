// Owns what a sparkline is drawn from: the figures of one node in the last minutes. What is not known is a gap, never 0.

import type { MatrixItem } from '../../contract/read-models.ts';

export const WINDOW_MS = 5 * 60_000;

/** A node speaks every few seconds; one that speaks more often is thinned out to this. */
const SPACING_MS = 1000;

/** `undefined` where it was not told. */
export type Sample = {
  atMs: number;
  tokensPerSecond: number | undefined;
  /** Busy slots by slots, 0-1. */
  load: number | undefined;
  /** Used by total, 0-1: of the accelerators where they tell it, else of the host. */
  memory: number | undefined;
};

/** Oldest first. */
export type Samples = readonly Sample[];

/** The figures of a heartbeat. @param atMs when it came, by the hub's clock. */
export function sampleOf(item: MatrixItem, atMs: number): Sample {
  return { atMs, tokensPerSecond: pace(item), load: slotLoad(item), memory: memoryRatio(item) };
}

/** Of a node that is silent: nothing is known. */
export function silence(atMs: number): Sample {
  return { atMs, tokensPerSecond: undefined, load: undefined, memory: undefined };
}

/** With one more; of several within a second the last one stays. What is older than the window goes. */
export function withSample(samples: Samples, sample: Sample): Samples {
  const last = samples.at(-1);
  // The same heartbeat again, or one that another overtook.
  if (last !== undefined && sample.atMs <= last.atMs) return samples;
  const begin = samples.findIndex(({ atMs }) => atMs > sample.atMs - WINDOW_MS);
  const kept = begin < 0 ? [] : samples.slice(begin);
  const before = kept.at(-2);
  if (before !== undefined && sample.atMs - before.atMs < SPACING_MS) kept.pop();
  return [...kept, sample];
}

function pace({ runtimes = [] }: MatrixItem): number | undefined {
  return sumOf(runtimes.map(({ status }) => status.health?.predicted_tokens_per_second));
}

function slotLoad({ runtimes = [] }: MatrixItem): number | undefined {
  const told = runtimes.flatMap(({ status: { health } }) =>
    health?.capacity !== undefined && health.inflight_jobs !== undefined
      ? [{ slots: health.capacity, busy: health.inflight_jobs }]
      : [],
  );
  return ratio(sumOf(told.map(({ busy }) => busy)), sumOf(told.map(({ slots }) => slots)));
}

/** True where accelerators with a memory of their own tell it. */
export function tellsDeviceMemory({ accelerators = [] }: MatrixItem): boolean {
  return accelerators.some(
    ({ kind, memory_total_bytes: total, memory_used_bytes: used }) =>
      kind !== 'cpu' && total !== undefined && used !== undefined,
  );
}

function memoryRatio(item: MatrixItem): number | undefined {
  const { host, accelerators = [] } = item;
  if (!tellsDeviceMemory(item)) return ratio(host.memory_used_bytes, host.memory_total_bytes);
  const told = accelerators.filter(
    ({ kind, memory_total_bytes: total, memory_used_bytes: used }) =>
      kind !== 'cpu' && total !== undefined && used !== undefined,
  );
  return ratio(
    sumOf(told.map((reading) => reading.memory_used_bytes)),
    sumOf(told.map((reading) => reading.memory_total_bytes)),
  );
}

/** Undefined where none is told. */
function sumOf(figures: readonly (number | undefined)[]): number | undefined {
  const told = figures.filter((value) => value !== undefined);
  return told.length === 0 ? undefined : told.reduce((sum, value) => sum + value, 0);
}

function ratio(part: number | undefined, whole: number | undefined): number | undefined {
  if (part === undefined || whole === undefined || whole === 0) return undefined;
  return Math.min(1, part / whole);
}
