// Owns the text of `runtime status`: read models in, lines out. Words carry every state; nothing relies on colour.

import type { Matrix, MatrixItem, Supervisor, SupervisorRecord } from '../../contract/read-models.ts';
import type { RestartBudget } from '../../contract/runtime-record.ts';
import { toSeconds } from './time.ts';
import { RUNTIME_STATES, stateLabel } from '../../contract/words.ts';

/** @param columns the width of the terminal; undefined where there is none, and lines keep their length. */
export function renderStatus(supervisor: Supervisor, matrix: Matrix, columns: number | undefined): string {
  const lines = [
    ...headerLines(supervisor),
    ...block(supervisor.runtimes.map(runtimeCells)),
    '',
    matrixHeader(matrix),
    ...block(Object.entries(matrix.items).map(([node, item]) => nodeCells(node, item))),
  ];
  return `${lines.map((line) => fit(line, columns)).join('\n')}\n`;
}

function headerLines({ runtimes, updated_at }: Supervisor): string[] {
  const counts = RUNTIME_STATES.flatMap((state) => {
    const count = runtimes.filter((record) => record.status.state === state).length;
    return count === 0 ? [] : [`${count} ${stateLabel(state).toLowerCase()}`];
  });
  const told = counts.length === 0 ? '' : ` (${counts.join(', ')})`;
  const lines = [`Runtimes: ${runtimes.length}${told}, as of ${toSeconds(updated_at)}`];
  if (runtimes.length === 0) return [...lines, 'No node has reported a runtime yet.'];
  return [...lines, ...headroomLines(runtimes)];
}

/** Two short lines, so that 80 columns hold the time of the reset. */
function headroomLines(runtimes: readonly SupervisorRecord[]): string[] {
  const budgets = runtimes.flatMap((record) =>
    record.status.restart_budget === undefined
      ? []
      : [{ name: nameOf(record), budget: record.status.restart_budget }],
  );
  const [tightest] = budgets.toSorted((a, b) => a.budget.remaining - b.budget.remaining);
  if (tightest === undefined) return ['Restarts left: unknown, no runtime reports a budget'];
  const resets = budgets.flatMap(({ budget }) => resetOf(budget)).toSorted();
  const { remaining, max_restarts } = tightest.budget;
  return [
    `Restarts left: at least ${remaining} of ${max_restarts} (${tightest.name})`,
    `Next reset: ${resets[0] === undefined ? 'none is due' : toSeconds(resets[0])}`,
  ];
}

function resetOf(budget: RestartBudget): string[] {
  return budget.reset_at === undefined ? [] : [budget.reset_at];
}

function runtimeCells(record: SupervisorRecord): string[] {
  const { status, descriptor } = record;
  // First, since a narrow terminal cuts the end: whoever looks must know that no model is behind it.
  const facts = [descriptor.tags?.['engine'] === 'stub' ? 'engine: stub' : undefined];
  facts.push(status.summary === status.state_label ? undefined : status.summary);
  if (!record.stale) {
    const { restart_budget: budget, health } = status;
    if (budget) facts.push(`${budget.remaining} of ${budget.max_restarts} restarts left`);
    const pace = health?.predicted_tokens_per_second;
    if (pace !== undefined) facts.push(`${pace.toFixed(1)} tokens/s`);
    if (health?.capacity !== undefined && health.inflight_jobs !== undefined) {
      facts.push(`${health.inflight_jobs} of ${health.capacity} slots busy`);
    }
  }
  const models = (descriptor.models ?? []).map((model) => model.id).join(', ');
  if (models !== '') facts.push(models);
  return [
    nameOf(record),
    `${status.state_label} (${status.severity_label})`,
    facts.filter((fact) => fact !== undefined).join(', '),
  ];
}

function matrixHeader(matrix: Matrix): string {
  const items = Object.entries(matrix.items);
  const stale = items.filter(([, item]) => item.stale).map(([node]) => node);
  const past = stale.length === 0 ? 'none past it' : `past it: ${stale.join(', ')}`;
  const nodes = `${items.length} ${items.length === 1 ? 'node' : 'nodes'}`;
  return `Matrix: ${nodes}, ttl_seconds ${matrix.ttl_seconds} (${past})`;
}

function nodeCells(node: string, item: MatrixItem): string[] {
  const age = `heard ${Math.round(item.age_seconds)} s ago`;
  return [node, item.stale ? item.status.label : `${item.status.label}, ${age}`];
}

function nameOf(record: SupervisorRecord): string {
  return `${record.node}/${record.descriptor.id}`;
}

/** Columns as wide as their widest cell, the last one free. */
function block(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => {
    const padded = row.map((cell, column) =>
      column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
    );
    return `  ${padded.join('  ')}`.trimEnd();
  });
}

function fit(line: string, columns: number | undefined): string {
  return columns === undefined || line.length <= columns
    ? line
    : `${line.slice(0, Math.max(1, columns - 1))}…`;
}
