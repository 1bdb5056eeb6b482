// Owns how a cell fares, in words: from how many of its runtimes are in which state to a status as nodes have one.

import type { NodeStatus } from './snapshot.ts';
import { offlineStatus, statusFromReasons, type Reason } from './status.ts';
import type { Sums } from './cell-sums.ts';

/**
 * `offline` where no runtime is up or on its way, `error` where none serves and one has failed, `degraded` where some do
 * not serve as they should, `ok` where all do. Runtimes that were shut down beside others that serve lower nothing.
 */
export function cellStatus(sums: Sums): NodeStatus {
  const reasons = reasonsOf(sums);
  if (sums.unknown + sums.offline < sums.runtimes) return statusFromReasons(reasons);
  const texts = reasons.map(({ text }) => text);
  return offlineStatus(texts[0] ?? 'No runtime', texts);
}

function reasonsOf(sums: Sums): Reason[] {
  const { runtimes } = sums;
  const worst = sums.ready + sums.degraded > 0 ? 'warn' : 'error';
  const of = `of ${runtimes} ${runtimes === 1 ? 'runtime' : 'runtimes'}`;
  const counted: [number, Reason['severity'], string][] = [
    [sums.error, worst, 'in error'],
    [sums.offline - sums.shut_down, worst, 'offline'],
    [
      sums.model_failed,
      sums.model_failed < runtimes ? 'warn' : 'error',
      'without the model: it failed to load',
    ],
    [sums.silent, 'warn', 'silent: nothing is heard of the node'],
    [sums.unknown - sums.silent, 'warn', 'in an unknown state'],
    [sums.degraded, 'warn', 'degraded'],
    [sums.starting, 'warn', 'starting'],
    [sums.ready_warned, 'warn', 'ready with a warning'],
    [sums.draining, 'info', 'draining: no new work'],
    [sums.shut_down, 'info', 'shut down'],
    [sums.model_downloading, 'info', 'downloading the model'],
    [sums.model_loading, 'info', 'loading the model'],
    [sums.model_unloaded, 'info', 'without the model loaded'],
  ];
  return counted.flatMap(([count, severity, words]) =>
    count > 0 ? [{ severity, text: `${count} ${of} ${words}` }] : [],
  );
}
