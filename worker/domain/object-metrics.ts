// Owns what Prometheus is told of the hub's own work: each object by its name, since each begins to count by itself.

import {
  ENDED_JOB_STATES,
  OPEN_JOB_STATES,
  SNAPSHOT_RESULTS,
  type AlertCounts,
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
    ...alertMetrics(fleet.alerts),
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

/** An alert is a label: a hub has 20 of them at most. They are counted in SQLite, and no new life of Fleet resets them. */
function alertMetrics(alerts: readonly AlertCounts[]): Family[] {
  const each = (value: (counts: AlertCounts) => number): Sample[] =>
    alerts.map((counts) => ({ labels: { alert: counts.alert }, value: value(counts) }));
  return [
    gauge(
      'arw_alert_open',
      'Problems that an alert has told, and whose end has not come.',
      each(({ open }) => open),
    ),
    gauge(
      'arw_alert_messages_queued',
      'Messages of an alert that no receiver has taken yet.',
      each(({ queued }) => queued),
    ),
    counter(
      'arw_alert_items_total',
      'Problems and their ends, by what became of telling them.',
      alerts.flatMap(({ alert, delivered, dropped }) => [
        { labels: { alert, result: 'delivered' }, value: delivered },
        { labels: { alert, result: 'dropped' }, value: dropped },
      ]),
    ),
  ];
}
