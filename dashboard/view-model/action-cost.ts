// Owns what a person is told before an act: what will happen, what it costs, and whether the budget forbids it.

import { isInForce, type RestartBudget, type RuntimeRecord } from '../../contract/runtime-record.ts';
import { isUp, type ActKind, type Subject } from './action-plan.ts';
import { clockTime } from './times.ts';

/** What a dialog asks for beside a yes. */
export type ActInput = {
  model?: string | undefined;
  preset?: string | undefined;
  sandbox?: string | undefined;
  /** What follows a drain. */
  after?: 'hold' | 'shutdown' | 'restart' | undefined;
  force?: boolean | undefined;
};

export type ActCost = {
  /** What will happen, and to what work: one sentence each. */
  lines: string[];
  /** The budget forbids it until then (RFC 3339, undefined where it never frees by itself). */
  exhausted?: { resetAt: string | undefined; canForce: boolean };
};

/** @param now milliseconds, of the hub's clock. */
export function actCost(kind: ActKind, input: ActInput, subject: Subject, now: number): ActCost {
  const { record, isStale } = subject;
  const lines = [...happens(kind, input, record), ...(isStale ? [WAITS] : [])];
  if (!spendsRestart(kind, input, record)) return { lines };
  const budget = record.status.restart_budget;
  if (budget === undefined) return { lines };
  const isEmpty =
    budget.remaining === 0 && (budget.reset_at === undefined || Date.parse(budget.reset_at) > now);
  if (!isEmpty) return { lines: [...lines, spendWords(budget)] };
  return {
    lines: [...lines, emptyWords(budget, kind, now)],
    exhausted: { resetAt: budget.reset_at, canForce: kind === 'restore' },
  };
}

const WAITS = 'Its node is silent: the command waits for it, and expires after 10 minutes.';

function happens(kind: ActKind, input: ActInput, record: RuntimeRecord): string[] {
  switch (kind) {
    case 'restore':
      return isUp(record)
        ? ['The process is stopped and started again.', lostWork(record)]
        : ['The process is started again.'];
    case 'start':
      return record.status.state === 'error'
        ? ['The process is started again: after a crash that is a restart.']
        : ['The process is started; that spends no restart.'];
    case 'shutdown':
      return [
        'The process is stopped, and stays stopped until a start.',
        ...(isUp(record) ? [lostWork(record)] : []),
      ];
    case 'drain':
      return [
        'It takes no new work; work under way may end, for up to 5 minutes.',
        ...(input.after === 'restart' ? ['Then it is restarted.'] : []),
        ...(input.after === 'shutdown' ? ['Then it is shut down.'] : []),
      ];
    case 'undrain':
      return ['It takes new work again.'];
    case 'load':
      return ['The model is loaded into memory; others that do not fit may be freed for it.'];
    case 'unload':
      return ['The memory of the model is freed; the runtime stays up. Its next request loads it again.'];
    case 'switch':
      if (isNamed(input) && isInForce(record, input)) return ['It has that already: nothing is done.'];
      if (record.status.state === 'error') {
        return ['The process is started with what you name: after a crash that is a restart.'];
      }
      return isUp(record)
        ? ['The process is stopped and started anew with what you name.', lostWork(record)]
        : ['It takes effect at its next start.'];
    default:
      return kind satisfies never;
  }
}

/** `2 requests at work are cut off.` */
function lostWork({ status: { health } }: RuntimeRecord): string {
  const { inflight_jobs: inflight, queued_jobs: queued = 0 } = health ?? {};
  if (inflight === undefined) return 'How much is at work is not known; whatever is, is cut off.';
  const all = inflight + queued;
  if (all === 0) return 'Nothing is at work now.';
  return all === 1 ? '1 request at work is cut off.' : `${all} requests at work or queued are cut off.`;
}

/** As the hub judges it (see docs/api.md, Acts); a start after a crash is judged by the node alone. */
function spendsRestart(kind: ActKind, input: ActInput, record: RuntimeRecord): boolean {
  switch (kind) {
    case 'restore':
      return true;
    case 'start':
      return record.status.state === 'error';
    case 'switch':
      return (isUp(record) || record.status.state === 'error') && !isInForce(record, input);
    case 'drain':
      return input.after === 'restart';
    case 'shutdown':
    case 'undrain':
    case 'load':
    case 'unload':
      return false;
    default:
      return kind satisfies never;
  }
}

function isNamed({ preset, sandbox }: ActInput): boolean {
  return preset !== undefined || sandbox !== undefined;
}

function spendWords({ remaining, max_restarts: max }: RestartBudget): string {
  const left = remaining - 1;
  return `It spends 1 restart: ${left} of ${max} will be left.`;
}

function emptyWords(
  { max_restarts: max, reset_at: resetAt }: RestartBudget,
  kind: ActKind,
  now: number,
): string {
  const forced = kind === 'restore' ? ', or force it' : ', or raise the budget with arw-cli';
  if (max === 0)
    return `Restarts are switched off (budget 0)${kind === 'restore' ? ': force it to restart all the same' : ''}.`;
  const when = resetAt === undefined ? '' : ` until ${clockTime(resetAt, now)}`;
  return `${spentWords(max)}${when}: wait${forced}.`;
}

/** `All 3 restarts are spent`; of one there is no all. */
export function spentWords(max: number): string {
  return max === 1 ? 'The only restart is spent' : `All ${max} restarts are spent`;
}
