// Owns whose work is judged where several models work at once: that of the model that has stood still for longest, so
// that one that moves does not hide one that is stuck.

import type { Work } from '../supervisor/state.ts';

/** The last mark that each busy model was seen with, and since when. */
export type WorkMarks = ReadonlyMap<string, { mark: string; sinceMs: number }>;

export type ModelWork = { model: string; work: Work | undefined };

/** @returns what to remember for the next look, and the work that the machine judges. */
export function slowestWork(
  before: WorkMarks,
  works: readonly ModelWork[],
  nowMs: number,
): { marks: WorkMarks; work: Work | undefined } {
  const marks = new Map<string, { mark: string; sinceMs: number }>();
  let slowest: { sinceMs: number; work: Work } | undefined;
  for (const { model, work } of works) {
    if (work === undefined) continue;
    const known = before.get(model);
    // What was stuck and cannot be asked now is still what is to be judged, once it can.
    const kept =
      work.kind === 'unknown' || known?.mark === work.mark ? known : { mark: work.mark, sinceMs: nowMs };
    if (kept !== undefined) marks.set(model, kept);
    const sinceMs = kept?.sinceMs ?? nowMs;
    if (slowest !== undefined && slowest.sinceMs <= sinceMs) continue;
    slowest = {
      sinceMs,
      work: work.kind === 'unknown' ? work : { ...work, model, mark: `${model} ${work.mark}` },
    };
  }
  return { marks, work: slowest?.work };
}
