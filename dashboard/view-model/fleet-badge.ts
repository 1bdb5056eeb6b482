// Owns the badge: the fleet in one line, as operators know it, and every runtime in a line of its title.

import type { MatrixItem } from '../../contract/read-models.ts';
import type { RestartBudget } from '../../contract/runtime-record.ts';
import { stateLabel } from '../../contract/words.ts';
import { counted } from './figures.ts';
import { budgetWords, runtimesOf, stateNow } from './node-view.ts';

/** What one node adds. */
export type BadgePart = {
  ready: number;
  total: number;
  /** The one with the least headroom; undefined where no budget is told or wanted. */
  tightest: RestartBudget | undefined;
  lines: readonly string[];
};

/** A tooltip that does not fit on the screen tells nobody anything. */
const TITLE_MAX_LINES = 40;

/** @param clock how a time is written */
export function badgePart(item: MatrixItem, isSilent: boolean, clock: (time: string) => string): BadgePart {
  const records = runtimesOf(item);
  const budgets = isSilent ? [] : records.flatMap(({ status }) => status.restart_budget ?? []);
  return {
    ready: records.filter((record) => stateNow(record, isSilent) === 'ready').length,
    total: records.length,
    tightest: tighter(budgets),
    lines: records.map((record) => {
      const name = `${record.descriptor.name} on ${item.target}`;
      if (isSilent) return `${name}: unknown, nothing is heard of its node`;
      const budget = budgetWords(record.status.restart_budget, clock);
      return `${name}: ${stateLabel(record.status.state)}, ${budget}`;
    }),
  };
}

/** `Runtime: 3/4 ready · 1 restart left · resets 14:32` */
export function badgeWords(parts: readonly BadgePart[], clock: (time: string) => string): string {
  const total = parts.reduce((sum, part) => sum + part.total, 0);
  if (total === 0) return 'Runtime: none reported';
  const ready = parts.reduce((sum, part) => sum + part.ready, 0);
  const tightest = tighter(parts.flatMap((part) => part.tightest ?? []));
  const words = [`Runtime: ${ready}/${total} ready`];
  if (tightest !== undefined) {
    words.push(`${counted(tightest.remaining, 'restart')} left`);
    if (tightest.reset_at !== undefined) words.push(`resets ${clock(tightest.reset_at)}`);
  }
  return words.join(' · ');
}

/** Those that are not ready first: a title is cut where it is long. */
export function badgeTitle(parts: readonly BadgePart[]): string {
  const lines = parts.flatMap((part) => part.lines);
  const sorted = [...lines.filter((line) => !isReady(line)), ...lines.filter(isReady)];
  const rest = sorted.length - TITLE_MAX_LINES;
  return [...sorted.slice(0, TITLE_MAX_LINES), ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n');
}

function isReady(line: string): boolean {
  return line.includes(': Ready,');
}

/** By what is left; of equals the one that is freed last. */
function tighter(budgets: readonly RestartBudget[]): RestartBudget | undefined {
  return budgets
    .filter(({ max_restarts: max }) => max > 0)
    .toSorted((a, b) => a.remaining - b.remaining || (b.reset_at ?? '').localeCompare(a.reset_at ?? ''))[0];
}
