// Owns the read models of one node: its item in the matrix and its records in the supervisor view, freshness included.

import type { MatrixItem, SupervisorRecord } from '../../contract/read-models.ts';
import type { RuntimeStatus } from '../../contract/runtime-record.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { spokenLine } from '../../contract/status.ts';
import { severityLabel, severityOfState, stateLabel } from '../../contract/words.ts';
import { expiresAt, freshnessOf, isoTime, isStale, silence, staleStatus, type Heard } from './freshness.ts';

export type NodeView = Heard & { snapshot: Snapshot };
export type ViewTime = { ttlSeconds: number; now: number };

/** `summary` leaves out the lists that make a snapshot large. */
export function matrixItem(view: NodeView, { ttlSeconds, now }: ViewTime, summary: boolean): MatrixItem {
  const freshness = freshnessOf(view, ttlSeconds, now);
  const said = view.snapshot.status;
  const item: MatrixItem = { ...view.snapshot, ...freshness };
  // The word is the hub's: a node cannot send it along.
  delete item.last_status;
  if (freshness.stale) {
    item.status = staleStatus(view, said, now);
    item.last_status = said;
  }
  if (summary) {
    delete item.runtimes;
    delete item.accelerators;
  }
  return item;
}

export function supervisorRecords(view: NodeView, { ttlSeconds, now }: ViewTime): SupervisorRecord[] {
  const stale = isStale(view, ttlSeconds, now);
  const node = view.snapshot.target;
  return view.snapshot.runtimes.map(({ descriptor, status }) =>
    stale
      ? {
          descriptor,
          status: unknownStatus(view, status, { ttlSeconds, now }),
          node,
          stale,
          last_status: status,
        }
      : { descriptor, status, node, stale },
  );
}

/** A runtime whose node is silent may have died or recovered since: nothing of its state is known. */
function unknownStatus(view: Heard, last: RuntimeStatus, { ttlSeconds, now }: ViewTime): RuntimeStatus {
  const severity = severityOfState('unknown');
  return {
    id: last.id,
    state: 'unknown',
    state_label: stateLabel('unknown'),
    severity,
    severity_label: severityLabel(severity),
    summary: spokenLine(`${silence(view, now)} (last known: ${last.state_label})`),
    detail: [
      `Last heartbeat at ${isoTime(view.receivedAt)}`,
      spokenLine(`Last known: ${last.state_label} - ${last.summary}`),
    ],
    updated_at: isoTime(expiresAt(view, ttlSeconds)),
  };
}
