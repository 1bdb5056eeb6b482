// Owns what is shown of one node: its status as it is now, and its figures in words. What a silent node last said is kept
// readable and never passes for what it says now.

import type { AcceleratorReading } from '../../contract/accelerator.ts';
import type { MatrixItem } from '../../contract/read-models.ts';
import type { RestartBudget, RuntimeRecord } from '../../contract/runtime-record.ts';
import { offlineStatus } from '../../contract/status.ts';
import type { NodeStatus } from '../../contract/snapshot.ts';
import type { RuntimeState } from '../../contract/words.ts';
import { counted } from './figures.ts';

/** A status has a shape of its own, so that colour says nothing that the eye could not see without it. */
export type Shape = RuntimeState;

export type NodeFigures = {
  loadRatio: number | undefined;
  inflight: number | undefined;
  capacity: number | undefined;
  queued: number | undefined;
  memoryUsedBytes: number | undefined;
  memoryTotalBytes: number | undefined;
  tokensPerSecond: number | undefined;
};

/** The status by which the node is to be judged now. @param clock how a time is written */
export function statusNow(item: MatrixItem, isSilent: boolean, clock: (time: string) => string): NodeStatus {
  if (!isSilent) return item.status;
  const last = item.last_status ?? (item.stale ? undefined : item.status);
  return offlineStatus(
    `No heartbeat since ${clock(item.received_at)}`,
    last === undefined ? [] : [`It last said: ${last.label}`],
  );
}

export function shapeOfNode({ code }: NodeStatus): Shape {
  return code === 'ok' ? 'ready' : code;
}

/** `Ready`, and the reason by itself: of `Degraded - Llama: loading` the part after the dash. */
export function labelParts({ label }: NodeStatus): { word: string; reason: string } {
  const [word = label, ...rest] = label.split(' - ');
  return { word, reason: rest.join(' - ') };
}

export function runtimesOf(item: MatrixItem): readonly RuntimeRecord[] {
  return item.runtimes ?? [];
}

/** What is known of a runtime whose node is silent is of another time: nobody knows what it does now. */
export function stateNow({ status }: RuntimeRecord, isSilent: boolean): RuntimeState {
  return isSilent ? 'unknown' : status.state;
}

/** What its runtimes add up to, and what the host tells. Of a silent node nothing is known now. */
export function nodeFigures(item: MatrixItem, isSilent: boolean): NodeFigures {
  const health = isSilent ? [] : runtimesOf(item).map(({ status }) => status.health ?? {});
  const inflight = sum(health.map(({ inflight_jobs }) => inflight_jobs));
  const capacity = sum(health.map((told) => told.capacity));
  const { memory_used_bytes: used, memory_total_bytes: total } = item.host;
  return {
    inflight,
    capacity,
    queued: sum(health.map(({ queued_jobs }) => queued_jobs)),
    loadRatio:
      inflight !== undefined && capacity !== undefined && capacity > 0
        ? Math.min(1, inflight / capacity)
        : undefined,
    memoryUsedBytes: isSilent ? undefined : used,
    memoryTotalBytes: total,
    tokensPerSecond: sum(health.map((told) => told.predicted_tokens_per_second)),
  };
}

/** Each kind of device once, with how many there are: `2 × NVIDIA H100 80GB HBM3`. */
export function acceleratorNames(accelerators: readonly AcceleratorReading[] = []): string[] {
  const counts = new Map<string, number>();
  for (const { name } of accelerators) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`));
}

/** `2 of 3 restarts left` */
export function budgetWords(budget: RestartBudget | undefined, clock: (time: string) => string): string {
  if (budget === undefined) return 'restart budget unknown';
  if (budget.max_restarts === 0) return 'automatic restarts off';
  const left = `${budget.remaining} of ${counted(budget.max_restarts, 'restart')} left`;
  return budget.reset_at === undefined ? left : `${left}, resets ${clock(budget.reset_at)}`;
}

/** Everything that a search may mean, in lower case. */
export function searchText(item: MatrixItem, status: NodeStatus): string {
  const runtimes = runtimesOf(item).flatMap(({ descriptor, status: told }) => [
    descriptor.id,
    descriptor.name,
    descriptor.adapter,
    told.state_label,
    ...(descriptor.models ?? []).map(({ id }) => id),
  ]);
  const devices = (item.accelerators ?? []).flatMap(({ name, label }) => [name, label]);
  return [item.target, status.label, item.host.os, ...runtimes, ...devices].join('\n').toLowerCase();
}

/** All words of it, in any order. */
export function isFound(text: string, query: string): boolean {
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Undefined where nobody told one: nothing is not 0. */
function sum(figures: readonly (number | undefined)[]): number | undefined {
  const told = figures.filter((figure) => figure !== undefined);
  return told.length === 0 ? undefined : told.reduce((total, figure) => total + figure, 0);
}
