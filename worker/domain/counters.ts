// Owns what the objects of a hub count of their own work. Counters live in memory: they begin at 0 with each life of an
// object, and `startedAt` says when that was. So each object tells its own; a sum over objects would go back for no reason
// that a reader could see.

import type { JobState } from '../../contract/command.ts';

/** `refused`: it could not be read, or was for another node. Over a socket, any frame that could not be read. */
export const SNAPSHOT_RESULTS = ['accepted', 'duplicate', 'refused'] as const;
export type SnapshotResult = (typeof SNAPSHOT_RESULTS)[number];

export type SnapshotCounts = Record<SnapshotResult, number>;

export const OPEN_JOB_STATES = ['queued', 'delivered', 'running'] as const satisfies readonly JobState[];
export const ENDED_JOB_STATES = [
  'completed',
  'failed',
  'expired',
  'cancelled',
] as const satisfies readonly JobState[];

export type OpenJobs = Record<(typeof OPEN_JOB_STATES)[number], number>;
export type EndedJobs = Record<(typeof ENDED_JOB_STATES)[number], number>;

export type ShardCounters = {
  startedAt: number;
  snapshots: { socket: SnapshotCounts; post: SnapshotCounts };
  uplinks: number;
  commandsOpen: OpenJobs;
  commandsEnded: EndedJobs;
};

/** What was asked of Fleet, by what was asked; and what its alerts have told, which outlives the object. */
export type FleetCounters = { startedAt: number; calls: Record<string, number>; alerts: AlertCounts[] };

/** `open`, `delivered` and `dropped` count problems and their ends, `queued` the messages that hold them. */
export type AlertCounts = {
  alert: string;
  open: number;
  queued: number;
  delivered: number;
  dropped: number;
};

/** Counts where the state is one of those that are counted here. */
export function countIn(counts: Partial<Record<JobState, number>>, state: JobState): void {
  const count = counts[state];
  if (count !== undefined) counts[state] = count + 1;
}

export function noSnapshots(): SnapshotCounts {
  return { accepted: 0, duplicate: 0, refused: 0 };
}

export function noEndedJobs(): EndedJobs {
  return { completed: 0, failed: 0, expired: 0, cancelled: 0 };
}

export function noOpenJobs(): OpenJobs {
  return { queued: 0, delivered: 0, running: 0 };
}
