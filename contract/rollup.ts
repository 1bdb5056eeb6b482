// Owns what a registry of runtimes adds up to: counts, alerts, restart pressure, and the node status they imply.

import { acceleratorLabel } from './accelerator.ts';
import type { RestartBudget, RuntimeRecord } from './runtime-record.ts';
import type { HttpTelemetry, NodeStatus, RuntimeRollup } from './snapshot.ts';
import { offlineStatus, spokenLine, statusFromReasons, type Reason } from './status.ts';

/** A budget is low from a third of it downwards: with the default of 3, the last restart. */
const LOW_BUDGET_SHARE = 3;

/** Error rates are judged only on a window with enough requests to mean something. */
const HTTP_JUDGED_MIN_HITS = 20;
const HTTP_WARN_ERROR_RATE = 0.05;
const HTTP_ERROR_ERROR_RATE = 0.5;

/** Sums over the records; `updatedAt` is an RFC 3339 time. Maps and lists that would be empty are left out. */
export function rollUp(records: readonly RuntimeRecord[], updatedAt: string): RuntimeRollup {
  const states: Record<string, number> = {};
  const severity: Record<string, number> = {};
  const byAccelerator: Record<string, { total: number; states: Record<string, number> }> = {};
  const alerts: string[] = [];
  const pressure: string[] = [];
  for (const { descriptor, status } of records) {
    increment(states, status.state);
    increment(severity, status.severity);
    const lane = (byAccelerator[acceleratorLabel(descriptor.accelerator)] ??= { total: 0, states: {} });
    lane.total += 1;
    increment(lane.states, status.state);
    if (status.severity !== 'info') alerts.push(spokenLine(`${descriptor.name}: ${status.summary}`));
    const line = restartPressure(descriptor.name, status.restart_budget);
    if (line !== undefined) pressure.push(line);
  }
  const some = records.length > 0;
  return {
    total: records.length,
    updated: updatedAt,
    ...(some && { states, severity }),
    ...(alerts.length > 0 && { alerts }),
    ...(pressure.length > 0 && { restart_pressure: pressure }),
    ...(some && { by_accelerator: byAccelerator }),
  };
}

/** The sentence about a budget that is low or empty; undefined while there is headroom, or where restarts are off. */
export function restartPressure(name: string, budget: RestartBudget | undefined): string | undefined {
  if (budget === undefined || budget.used === 0 || budget.max_restarts === 0) return undefined;
  if (budget.remaining > Math.max(1, Math.floor(budget.max_restarts / LOW_BUDGET_SHARE))) return undefined;
  const word = budget.remaining === 0 ? 'exhausted' : 'low';
  const resets = budget.reset_at === undefined ? '' : `; resets at ${budget.reset_at}`;
  return spokenLine(
    `${name} restart budget ${word} (${budget.remaining} of ${budget.max_restarts} remaining; ` +
      `window ${budget.window_seconds}s${resets})`,
  );
}

/** A node's status from what it supervises and what its gateway saw. */
export function deriveNodeStatus(input: {
  supervisorEnabled: boolean;
  records: readonly RuntimeRecord[];
  http?: HttpTelemetry | undefined;
  /** What else is worth a word and lowers no status. */
  notes?: readonly string[];
}): NodeStatus {
  if (!input.supervisorEnabled) return offlineStatus('Supervisor is not running');
  const notes = (input.notes ?? []).map((text): Reason => ({ severity: 'info', text }));
  const reasons = [...input.records.flatMap(reasonsOf), ...notes];
  const traffic = input.http && reasonOfTraffic(input.http);
  return statusFromReasons(traffic ? [...reasons, traffic] : reasons);
}

function reasonsOf({ descriptor, status }: RuntimeRecord): Reason[] {
  const told = (severity: Reason['severity']): Reason => ({
    severity,
    text: `${descriptor.name}: ${status.summary}`,
  });
  switch (status.state) {
    case 'ready': {
      const empty = status.restart_budget?.remaining === 0 && status.restart_budget.used > 0;
      const pressure = empty ? restartPressure(descriptor.name, status.restart_budget) : undefined;
      const noHeadroom: Reason[] = pressure === undefined ? [] : [{ severity: 'warn', text: pressure }];
      return status.severity === 'info' ? noHeadroom : [told(status.severity), ...noHeadroom];
    }
    // A runtime that is on its way cannot serve yet: the node is not nominal, whatever the reason.
    case 'starting':
    case 'degraded':
    case 'unknown':
      return [told(status.severity === 'error' ? 'error' : 'warn')];
    case 'error':
      return [told('error')];
    // Switched off on purpose is worth a word and no alarm; down for another reason is.
    case 'offline':
      return [told(status.severity)];
    default:
      return status.state satisfies never;
  }
}

function reasonOfTraffic(http: HttpTelemetry): Reason | undefined {
  if (http.window_hits < HTTP_JUDGED_MIN_HITS) return undefined;
  const rate = http.window_errors / http.window_hits;
  if (rate < HTTP_WARN_ERROR_RATE) return undefined;
  const text =
    `${http.window_errors} of ${http.window_hits} requests failed ` +
    `in the last ${http.window_seconds} s (${(rate * 100).toFixed(1)} %)`;
  return { severity: rate >= HTTP_ERROR_ERROR_RATE ? 'error' : 'warn', text };
}

function increment(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
