// Owns what part of a snapshot must not be lost: a change of it is written at once, everything else once in a while.

import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Snapshot } from '../../contract/snapshot.ts';

/**
 * How old the written time of the last heartbeat may get while nothing material changes. A node that lives must not
 * come out of an eviction as stale. A socket carries that time itself, so only a crash loses it; a POST has nothing but
 * the row.
 */
export function rewriteAfterMs(transport: string, ttlSeconds: number, heartbeatWriteMs: number): number {
  return transport === 'socket' ? heartbeatWriteMs : Math.min(heartbeatWriteMs, (ttlSeconds * 1000) / 2);
}

export type Written = {
  material: string;
  transport: string;
  ttlSeconds?: number | undefined;
  writtenAt: number;
};

/** Equal texts mean that nothing was said that an operator would miss after an eviction. */
export function materialOf(snapshot: Snapshot): string {
  return JSON.stringify([
    snapshot.boot_id,
    snapshot.status.code,
    withoutFigures(snapshot.status.label),
    snapshot.kernel.enabled,
    snapshot.runtimes.map(({ descriptor, status }) => [
      descriptor.id,
      descriptor.accelerator,
      descriptor.sandbox,
      descriptor.preset,
      descriptor.models?.map(({ id, state }) => [id, state]),
      status.state,
      status.severity,
      status.draining === true,
      status.restart_budget,
    ]),
    snapshot.accelerators?.map(({ id, state }) => [id, state]),
  ]);
}

/** True only where the material of both is equal: what most heartbeats are asked, and answered without a text. */
export function isMateriallySame(a: Snapshot, b: Snapshot): boolean {
  return (
    a.boot_id === b.boot_id &&
    a.status.code === b.status.code &&
    (a.status.label === b.status.label ||
      withoutFigures(a.status.label) === withoutFigures(b.status.label)) &&
    a.kernel.enabled === b.kernel.enabled &&
    isSameList(a.runtimes, b.runtimes, isSameRuntime) &&
    isSameList(a.accelerators, b.accelerators, isSameState)
  );
}

function isSameRuntime(a: RuntimeRecord, b: RuntimeRecord): boolean {
  return (
    a.descriptor.id === b.descriptor.id &&
    a.descriptor.accelerator === b.descriptor.accelerator &&
    a.descriptor.sandbox === b.descriptor.sandbox &&
    a.descriptor.preset === b.descriptor.preset &&
    isSameList(a.descriptor.models, b.descriptor.models, isSameState) &&
    a.status.state === b.status.state &&
    a.status.severity === b.status.severity &&
    (a.status.draining === true) === (b.status.draining === true) &&
    isSameFlat(a.status.restart_budget, b.status.restart_budget)
  );
}

type WithState = { id: string; state: string };

function isSameState(a: WithState, b: WithState): boolean {
  return a.id === b.id && a.state === b.state;
}

function isSameList<T>(
  a: readonly T[] | undefined,
  b: readonly T[] | undefined,
  isSame: (a: T, b: T) => boolean,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) {
    const [one, other] = [a[at], b[at]];
    if (one === undefined || other === undefined || !isSame(one, other)) return false;
  }
  return true;
}

/** Members that hold more than a scalar make a difference, also where they hold the same: then the texts tell. */
function isSameFlat(a: Record<string, unknown> | undefined, b: Record<string, unknown> | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  let members = 0;
  for (const name in a) {
    if (a[name] !== b[name]) return false;
    members += 1;
  }
  for (const _ in b) members -= 1;
  return members === 0;
}

export function mustWrite(
  written: Written | undefined,
  next: Omit<Written, 'writtenAt'>,
  now: number,
  afterMs: number,
): boolean {
  if (written === undefined) return true;
  if (written.transport !== next.transport || written.ttlSeconds !== next.ttlSeconds) return true;
  if (written.material !== next.material) return true;
  return now - written.writtenAt >= afterMs;
}

/** A label that counts something ("12 of 60 requests failed") would otherwise be a row for every heartbeat. */
function withoutFigures(label: string): string {
  return label.replace(/\d+(\.\d+)?/g, '#');
}
