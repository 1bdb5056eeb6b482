// Owns the acts that were asked for on this page: each from its request to its end, and kept until somebody puts it away.

import { signal, type ReadonlySignal } from '@preact/signals';
import * as v from 'valibot';
import { EVENT_PAYLOADS, type Event } from '../../contract/events.ts';
import { lookAtJob, requestAct, type ActRequest } from '../connection/action-request.ts';
import { advanced, begun, isOver, type Progress, type ProgressNews } from '../view-model/action-progress.ts';

export type TrackedAct = { id: number; progress: Progress };

/** The page's own memory of them; the hub keeps every job for a day. */
const KEPT_MAX = 20;

/** Events tell most steps at once; a look makes up for one that was lost. */
const FIRST_LOOK_MS = 500;
const LOOK_EVERY_MS = 2000;

const tracked = signal<readonly TrackedAct[]>([]);
/** Newest first. */
export const acts: ReadonlySignal<readonly TrackedAct[]> = tracked;

let lastId = 0;

/** Resolves when the hub has answered; what becomes of it then is told in `acts`. Refusals are for whoever asked. */
export async function submitAct(request: ActRequest): Promise<Progress> {
  const { kind, node, runtime } = request;
  const progress = advanced(begun(kind, node, runtime), await requestAct(request));
  if (progress.phase.kind === 'open') void follow(keepAct(progress), progress.phase.jobId);
  return progress;
}

/** @returns its id. Of a refusal: where nobody is left at the question to whom it could be told. */
export function keepAct(progress: Progress): number {
  lastId += 1;
  tracked.value = [{ id: lastId, progress }, ...tracked.value].slice(0, KEPT_MAX);
  return lastId;
}

export function dismissAct(id: number): void {
  tracked.value = tracked.value.filter((act) => act.id !== id);
}

/** Every event of the fleet comes by here. */
export function tellActs({ kind, payload }: Event): void {
  if (kind !== 'jobs.changed') return;
  const parsed = v.safeParse(EVENT_PAYLOADS['jobs.changed'], payload);
  if (!parsed.success) return;
  const { job_id: jobId, state, error } = parsed.output;
  const act = tracked.value.find(({ progress }) => jobIdOf(progress) === jobId);
  if (act === undefined) return;
  const wasOver = isOver(act.progress);
  advance(act.id, { kind: 'state', jobId, state, told: error?.message });
  // The event says that it ended; the job says how.
  if (!wasOver) void look(act.id, jobId);
}

async function follow(id: number, jobId: string): Promise<void> {
  for (let delayMs = FIRST_LOOK_MS; ; delayMs = LOOK_EVERY_MS) {
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const act = tracked.value.find((one) => one.id === id);
    if (act === undefined || isOver(act.progress)) return;
    await look(id, jobId);
  }
}

async function look(id: number, jobId: string): Promise<void> {
  const news = await lookAtJob(jobId);
  if (news !== undefined) advance(id, news);
}

function advance(id: number, news: ProgressNews): void {
  tracked.value = tracked.value.map((act) =>
    act.id === id ? { id, progress: advanced(act.progress, news) } : act,
  );
}

function jobIdOf({ phase }: Progress): string | undefined {
  return 'jobId' in phase ? phase.jobId : undefined;
}
