// Owns the read models of one node: its item in the matrix and its records in the supervisor view, freshness included.

import type { MatrixItem, SupervisorRecord, Uplink } from '../../contract/read-models.ts';
import type { RuntimeStatus } from '../../contract/runtime-record.ts';
import type { NodeStatus, Snapshot } from '../../contract/snapshot.ts';
import { spokenLine } from '../../contract/status.ts';
import { severityLabel, severityOfState, stateLabel } from '../../contract/words.ts';
import {
  ageSeconds,
  expiresAt,
  freshnessOf,
  isoTime,
  isStale,
  silence,
  staleStatus,
  type Heard,
} from './freshness.ts';

export type NodeView = Heard & { snapshot: Snapshot };
export type ViewTime = { ttlSeconds: number; now: number };

/** What changes of an item although its node says nothing: its age, its uplink, and where it is stale its status. */
export type Passing = { age_seconds: number; uplink: Uplink; status?: NodeStatus };

export function passingMembers(view: NodeView, { ttlSeconds, now }: ViewTime): Passing {
  const passing = { age_seconds: ageSeconds(view, now), uplink: view.uplink };
  if (!isStale(view, ttlSeconds, now)) return passing;
  return { ...passing, status: staleStatus(view, view.snapshot.status, now) };
}

/** `summary` leaves out the lists that make a snapshot large. */
export function matrixItem(view: NodeView, time: ViewTime, summary: boolean): MatrixItem {
  const freshness = freshnessOf(view, time.ttlSeconds, time.now);
  const item: MatrixItem = { ...view.snapshot, ...freshness, ...passingMembers(view, time) };
  // The word is the hub's: a node cannot send it along.
  delete item.last_status;
  if (item.stale) item.last_status = view.snapshot.status;
  if (summary) {
    delete item.runtimes;
    delete item.accelerators;
  }
  return item;
}

/** One for each runtime of the snapshot, in its order. */
export function supervisorRecords(view: NodeView, time: ViewTime): SupervisorRecord[] {
  const stale = isStale(view, time.ttlSeconds, time.now);
  const node = view.snapshot.target;
  return view.snapshot.runtimes.map(({ descriptor, status }) =>
    stale
      ? { descriptor, status: unknownStatus(view, status, time), node, stale, last_status: status }
      : { descriptor, status, node, stale },
  );
}

/** A runtime whose node is silent may have died or recovered since: nothing of its state is known. */
export function unknownStatus(
  view: Heard,
  last: RuntimeStatus,
  { ttlSeconds, now }: ViewTime,
): RuntimeStatus {
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
