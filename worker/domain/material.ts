// Owns what part of a snapshot must not be lost: a change of it is written at once, everything else once in a while.

import type { Snapshot } from '../../contract/snapshot.ts';

/**
 * How old the written time of the last heartbeat may get while nothing material changes. A node that lives must not
 * come out of an eviction as stale. A socket carries that time itself, so only a crash loses it; a POST has nothing but
 * the row.
 */
export function rewriteAfterMs(transport: string, ttlSeconds: number, heartbeatWriteMs: number): number {
  return transport === 'socket' ? heartbeatWriteMs : Math.min(heartbeatWriteMs, (ttlSeconds * 1000) / 2);
}

export type Written = { material: string; transport: string; writtenAt: number };

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
      descriptor.models?.map(({ id, state }) => [id, state]),
      status.state,
      status.severity,
      status.draining === true,
      status.restart_budget,
    ]),
    snapshot.accelerators?.map(({ id, state }) => [id, state]),
  ]);
}

export function mustWrite(
  written: Written | undefined,
  next: Omit<Written, 'writtenAt'>,
  now: number,
  afterMs: number,
): boolean {
  if (written === undefined) return true;
  if (written.material !== next.material || written.transport !== next.transport) return true;
  return now - written.writtenAt >= afterMs;
}

/** A label that counts something ("12 of 60 requests failed") would otherwise be a row for every heartbeat. */
function withoutFigures(label: string): string {
  return label.replace(/\d+(\.\d+)?/g, '#');
}
