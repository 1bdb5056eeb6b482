// Owns what Prometheus is told of the hub's own work: each object by its name, since each begins to count by itself.

import {
  ENDED_JOB_STATES,
  OPEN_JOB_STATES,
  SNAPSHOT_RESULTS,
  type FleetCounters,
  type ShardCounters,
} from './counters.ts';
import { counter, gauge, type Family, type Sample } from './exposition.ts';

export type CountedObjects = {
  /** By the names of the objects. */
  shards: readonly (readonly [string, ShardCounters])[];
  fleet: FleetCounters;
};

export function objectMetrics({ shards, fleet }: CountedObjects): Family[] {
  const each = (samples: (counters: ShardCounters) => Sample[]): Sample[] =>
    shards.flatMap(([object, counters]) =>
      samples(counters).map(({ labels, value }) => ({ labels: { object, ...labels }, value })),
    );
  return [
    gauge('arw_object_start_time_seconds', 'When the object began to count, as a Unix time.', [
      ...each(({ startedAt }) => [{ value: startedAt / 1000 }]),
      { labels: { object: 'fleet' }, value: fleet.startedAt / 1000 },
    ]),
    counter(
      'arw_snapshots_total',
      'Snapshots that came, by what became of them.',
      each(({ snapshots }) =>
        (['socket', 'post'] as const).flatMap((transport) =>
          SNAPSHOT_RESULTS.map((result) => ({
            labels: { transport, result },
            value: snapshots[transport][result],
          })),
        ),
      ),
    ),
    gauge(
      'arw_uplinks',
      'Open sockets of nodes.',
      each(({ uplinks }) => [{ value: uplinks }]),
    ),
    gauge(
      'arw_commands_open',
      'Commands that have not ended, by state.',
      each(({ commandsOpen }) =>
        OPEN_JOB_STATES.map((state) => ({ labels: { state }, value: commandsOpen[state] })),
      ),
    ),
    counter(
      'arw_commands_ended_total',
      'Commands that have ended, by state.',
      each(({ commandsEnded }) =>
        ENDED_JOB_STATES.map((state) => ({ labels: { state }, value: commandsEnded[state] })),
      ),
    ),
    counter(
      'arw_fleet_calls_total',
      'What the object "fleet" was asked, by what.',
      Object.entries(fleet.calls).map(([call, value]) => ({ labels: { object: 'fleet', call }, value })),
    ),
  ];
}
