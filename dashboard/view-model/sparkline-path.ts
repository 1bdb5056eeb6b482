// Owns how samples become a line: a path in a box of fixed size, broken where nothing is known, and the same in words.

import type { Samples, Sample } from './sparkline-samples.ts';

/** The box that paths are drawn in; the page stretches it. */
export const BOX = { width: 120, height: 28 } as const;

/** Room for the stroke at the edges. */
const INSET = 2;

export type Figure = Exclude<keyof Sample, 'atMs'>;

export type Sparkline = {
  /** An SVG path; empty where nothing is known. */
  line: string;
  /** The same, closed down to the ground. */
  area: string;
  last: number | undefined;
  min: number | undefined;
  max: number | undefined;
};

export type SparklineOptions = {
  figure: Figure;
  /** The right edge, in milliseconds. */
  untilMs: number;
  windowMs: number;
  /** Two samples further apart than this are not joined: nothing is known of the time between. */
  gapMs: number;
  /** What the top of the box stands for; left out, the largest value. */
  top?: number;
};

type Point = { x: number; y: number };

export function sparkline(samples: Samples, options: SparklineOptions): Sparkline {
  const { figure, untilMs, windowMs, gapMs } = options;
  const sinceMs = untilMs - windowMs;
  const inWindow = samples.filter(({ atMs }) => atMs > sinceMs && atMs <= untilMs);
  const values = inWindow.map((sample) => sample[figure]).filter((value) => value !== undefined);
  if (values.length === 0) return { line: '', area: '', last: undefined, min: undefined, max: undefined };
  const max = Math.max(...values);
  const top = options.top ?? max;
  const place = (atMs: number, value: number): Point => ({
    x: ((atMs - sinceMs) / windowMs) * BOX.width,
    y: BOX.height - INSET - (top === 0 ? 0 : Math.min(1, value / top)) * (BOX.height - 2 * INSET),
  });
  const pieces: Point[][] = [];
  let before: number | undefined;
  for (const sample of inWindow) {
    const value = sample[figure];
    if (value === undefined) {
      before = undefined;
      continue;
    }
    if (before === undefined || sample.atMs - before > gapMs) pieces.push([]);
    pieces.at(-1)?.push(place(sample.atMs, value));
    before = sample.atMs;
  }
  const newest = inWindow.at(-1);
  const isNow = newest !== undefined && untilMs - newest.atMs <= gapMs;
  return {
    line: pieces.map(lineOf).join(''),
    area: pieces.map(areaOf).join(''),
    last: isNow ? newest[figure] : undefined,
    min: Math.min(...values),
    max,
  };
}

/** `Tokens per second, last 5 min: now 71.3, lowest 0, highest 88.2` */
export function sparklineWords(
  name: string,
  { last, min, max }: Pick<Sparkline, 'last' | 'min' | 'max'>,
  windowMs: number,
  format: (value: number) => string,
): string {
  const span = `last ${Math.round(windowMs / 60_000)} min`;
  if (min === undefined || max === undefined) return `${name}, ${span}: unknown`;
  const now = last === undefined ? 'unknown now' : `now ${format(last)}`;
  return `${name}, ${span}: ${now}, lowest ${format(min)}, highest ${format(max)}`;
}

/** One sample alone is a dot: a line of no length, whose round ends are drawn. */
function lineOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  if (rest.length === 0) return `M${at(first)}h0`;
  return `M${at(first)}${rest.map((point) => `L${at(point)}`).join('')}`;
}

function areaOf(points: readonly Point[]): string {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < 2) return '';
  return `${lineOf(points)}V${BOX.height}H${short(first.x)}Z`;
}

function at({ x, y }: Point): string {
  return `${short(x)} ${short(y)}`;
}

/** A tenth of a unit is less than a pixel. */
function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}
