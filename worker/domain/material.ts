// Owns what part of a snapshot must not be lost: a change of it is written at once, everything else once in a while.

import type { Snapshot } from '../../contract/snapshot.ts';

/** How old the written figures may get while nothing material changes: a heartbeat writes no row. */
const REWRITE_AFTER_MS = 60_000;

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
      descriptor.models?.map(({ id, state }) => [id, state]),
      status.state,
      status.severity,
      status.restart_budget,
    ]),
    snapshot.accelerators?.map(({ id, state }) => [id, state]),
  ]);
}

export function mustWrite(
  written: Written | undefined,
  next: Omit<Written, 'writtenAt'>,
  now: number,
): boolean {
  if (written === undefined) return true;
  if (written.material !== next.material || written.transport !== next.transport) return true;
  return now - written.writtenAt >= REWRITE_AFTER_MS;
}

/** A label that counts something ("12 of 60 requests failed") would otherwise be a row for every heartbeat. */
function withoutFigures(label: string): string {
  return label.replace(/\d+(\.\d+)?/g, '#');
}
