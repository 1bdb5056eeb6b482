// Owns the text of `arw-reporter status`: what the reporter tells of itself in, lines out. Words carry every state.

import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { RUNTIME_STATES, stateLabel } from '../../contract/words.ts';
import type { LocalStatus, UplinkState } from './local-status.ts';

/** @param columns the width of the terminal; undefined where there is none, and lines keep their length. */
export function renderLocalStatus(status: LocalStatus, nowMs: number, columns: number | undefined): string {
  const { reporter, uplink, snapshot } = status;
  const started = `reporter ${reporter.version}, process ${reporter.pid}, for ${ago(reporter.started_at, nowMs)}`;
  const lines = [
    `Node ${snapshot.target}: ${snapshot.status.label}`,
    ...snapshot.status.detail.map((line) => `  ${line}`),
    '',
    `Here: ${started}`,
    `Hub:  ${uplinkWords(uplink, nowMs)}`,
    '',
    counts(snapshot.runtimes),
    ...block(snapshot.runtimes.map(cells)),
  ];
  return `${lines.map((line) => fit(line, columns)).join('\n')}\n`;
}

function uplinkWords(uplink: UplinkState, nowMs: number): string {
  const since = `for ${ago(uplink.since, nowMs)}`;
  switch (uplink.state) {
    case 'connected':
      return `${uplink.hub} hears us by ${uplink.way === 'post' ? 'POST' : 'WebSocket'} ${since}`;
    case 'trying':
      return `${uplink.hub} does not hear us ${since}${uplink.reason === undefined ? '' : ` (${uplink.reason})`}`;
    case 'enrolling':
      return `${uplink.hub} has not enrolled us yet, ${since}`;
    default:
      return uplink.state satisfies never;
  }
}

function counts(records: readonly RuntimeRecord[]): string {
  const told = RUNTIME_STATES.flatMap((state) => {
    const count = records.filter((record) => record.status.state === state).length;
    return count === 0 ? [] : [`${count} ${stateLabel(state).toLowerCase()}`];
  });
  return `Runtimes: ${records.length}${told.length === 0 ? '' : ` (${told.join(', ')})`}`;
}

function cells({ descriptor, status }: RuntimeRecord): string[] {
  const facts = status.summary === status.state_label ? [] : [status.summary];
  const { restart_budget: budget, health } = status;
  if (budget) facts.push(`${budget.remaining} of ${budget.max_restarts} restarts left`);
  if (health?.capacity !== undefined && health.inflight_jobs !== undefined) {
    facts.push(`${health.inflight_jobs} of ${health.capacity} slots busy`);
  }
  if (status.pid !== undefined) facts.push(`process ${status.pid}`);
  const models = (descriptor.models ?? []).map(({ id }) => id).join(', ');
  if (models !== '') facts.push(models);
  return [descriptor.id, `${status.state_label} (${status.severity_label})`, facts.join(', ')];
}

function ago(timestamp: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(timestamp)) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}

/** Columns as wide as their widest cell, the last one free. */
function block(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => {
    const last = row.length - 1;
    return `  ${row.map((cell, column) => (column === last ? cell : cell.padEnd(widths[column] ?? 0))).join('  ')}`;
  });
}

function fit(line: string, columns: number | undefined): string {
  return columns === undefined || line.length <= columns
    ? line
    : `${line.slice(0, Math.max(1, columns - 1))}…`;
}
