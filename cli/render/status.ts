// Owns the text of `runtime status`: read models in, lines out. Words carry every state; nothing relies on colour.

import type { Matrix, MatrixItem, Supervisor, SupervisorRecord } from '../../contract/read-models.ts';
import type { RestartBudget } from '../../contract/runtime-record.ts';
import { RUNTIME_STATES, stateLabel } from '../../contract/words.ts';
import { headroomWords } from './budget.ts';
import { kept, paragraph, styled, type Line, type Words } from './line.ts';
import { modelLines, oneModelWords } from './models.ts';
import { styleOfCode, styleOfSeverity } from './styles.ts';
import { block } from './table.ts';
import { toSeconds } from './time.ts';

/** @param columns the width of the terminal; undefined where there is none, and lines keep their length. */
export function renderStatus(supervisor: Supervisor, matrix: Matrix, columns: number | undefined): Line[] {
  const told = (text: string): Line[] => paragraph(text, columns);
  return [
    ...headerLines(supervisor).flatMap(told),
    ...runtimeLines(supervisor.runtimes, columns),
    [],
    ...told(matrixHeader(matrix)),
    ...block(
      Object.entries(matrix.items).map(([node, item]) => nodeCells(node, item)),
      columns,
    ).flat(),
  ];
}

function headerLines({ runtimes, updated_at }: Supervisor): string[] {
  const counts = RUNTIME_STATES.flatMap((state) => {
    const count = runtimes.filter((record) => record.status.state === state).length;
    return count === 0 ? [] : [`${count} ${stateLabel(state).toLowerCase()}`];
  });
  const draining = runtimes.filter((record) => record.status.draining === true).length;
  if (draining > 0) counts.push(`${draining} of them draining`);
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
  if (budgets.length === 0) return ['Restarts left: unknown, no runtime reports a budget'];
  // A budget of 0 is never tight: nobody wants those restarts.
  const [tightest] = budgets
    .filter(({ budget }) => budget.max_restarts > 0)
    .toSorted((a, b) => a.budget.remaining - b.budget.remaining);
  if (tightest === undefined) return ['Restarts left: automatic restarts are off everywhere'];
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

/** A runtime with several models has a line for each state of theirs under its own. */
function runtimeLines(runtimes: readonly SupervisorRecord[], columns: number | undefined): Line[] {
  const rows = block(runtimes.map(runtimeCells), columns);
  return runtimes.flatMap(({ descriptor, stale }, index) => [
    ...(rows[index] ?? []),
    ...modelLines(descriptor.models, stale, columns),
  ]);
}

function runtimeCells(record: SupervisorRecord): Words[] {
  const { status, descriptor } = record;
  // First, since a narrow terminal cuts the end: whoever looks must know that no model is behind it.
  const facts = [descriptor.tags?.['engine'] === 'stub' ? 'engine: stub' : undefined];
  facts.push(status.summary === status.state_label ? undefined : status.summary);
  if (!record.stale) {
    const { restart_budget: budget, health } = status;
    if (budget) facts.push(kept(headroomWords(budget)));
    const pace = health?.predicted_tokens_per_second;
    if (pace !== undefined) facts.push(kept(`${pace.toFixed(1)} tokens/s`));
    // The summary of what drains says that already.
    if (health?.capacity !== undefined && health.inflight_jobs !== undefined && status.draining !== true) {
      facts.push(kept(`${health.inflight_jobs} of ${health.capacity} slots busy`));
    }
  }
  facts.push(oneModelWords(descriptor.models, record.stale));
  return [
    nameOf(record),
    styled(styleOfSeverity(status.severity), `${status.state_label} (${qualities(record)})`),
    facts.filter((fact) => fact !== undefined).join(', '),
  ];
}

/** That it takes no new work says more than that nothing is wrong with it. */
function qualities({ status }: SupervisorRecord): string {
  if (status.draining !== true) return status.severity_label;
  return status.severity === 'info' ? 'draining' : `${status.severity_label}, draining`;
}

function matrixHeader(matrix: Matrix): string {
  const count = Object.keys(matrix.items).length;
  return `Matrix: ${count} ${count === 1 ? 'node' : 'nodes'}, ${ttlWords(matrix)}`;
}

/** `ttl_seconds 60 (past it: gpu-02)` */
export function ttlWords(matrix: Matrix): string {
  const stale = Object.entries(matrix.items).flatMap(([node, item]) => (item.stale ? [node] : []));
  const past = stale.length === 0 ? 'none past it' : `past it: ${stale.join(', ')}`;
  return `ttl_seconds ${matrix.ttl_seconds} (${past})`;
}

function nodeCells(node: string, item: MatrixItem): Words[] {
  const { label, code } = item.status;
  const style = styleOfCode(code);
  if (item.stale) return [node, styled(style, label)];
  return [node, [styled(style, `${label},`), ` heard ${Math.round(item.age_seconds)} s ago`]];
}

function nameOf(record: SupervisorRecord): string {
  return `${record.node}/${record.descriptor.id}`;
}
