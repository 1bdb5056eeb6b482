// Owns how a cell fares, in words: from how many of its runtimes are in which state to a status as nodes have one.

import type { NodeStatus } from '../../contract/snapshot.ts';
import { offlineStatus, statusFromReasons, type Reason } from '../../contract/status.ts';
import type { Sums } from './cell-sums.ts';

/**
 * `offline` where no runtime is up or on its way, `error` where none serves and one has failed, `degraded` where some do
 * not serve as they should, `ok` where all do. Runtimes that were shut down beside others that serve lower nothing.
 */
export function cellStatus(sums: Sums): NodeStatus {
  const { runtimes = 0, unknown = 0, offline = 0 } = sums;
  const reasons = reasonsOf(sums);
  if (unknown + offline < runtimes) return statusFromReasons(reasons);
  const [first, ...rest] = reasons.map(({ text }) => text);
  return offlineStatus(first ?? 'No runtime', first === undefined ? [] : [first, ...rest]);
}

function reasonsOf(sums: Sums): Reason[] {
  const { runtimes = 0, ready = 0, degraded = 0, offline = 0, shut_down: shutDown = 0 } = sums;
  const { unknown = 0, silent = 0, model_failed: failed = 0 } = sums;
  const serves = ready + degraded > 0;
  const worst = serves ? 'warn' : 'error';
  const of = `of ${runtimes} ${runtimes === 1 ? 'runtime' : 'runtimes'}`;
  const counted: [number | undefined, Reason['severity'], string][] = [
    [sums.error, worst, 'in error'],
    [offline - shutDown, worst, 'offline'],
    [failed, failed < runtimes ? 'warn' : 'error', 'without the model: it failed to load'],
    [silent, 'warn', 'silent: nothing is heard of the node'],
    [unknown - silent, 'warn', 'in an unknown state'],
    [degraded, 'warn', 'degraded'],
    [sums.starting, 'warn', 'starting'],
    [sums.ready_warned, 'warn', 'ready with a warning'],
    [sums.draining, 'info', 'draining: no new work'],
    [shutDown, 'info', 'shut down'],
    [sums.model_downloading, 'info', 'downloading the model'],
    [sums.model_loading, 'info', 'loading the model'],
    [sums.model_unloaded, 'info', 'without the model loaded'],
  ];
  return counted.flatMap(([count = 0, severity, words]) =>
    count > 0 ? [{ severity, text: `${count} ${of} ${words}` }] : [],
  );
}
