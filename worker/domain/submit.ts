// Owns what a new command is and whether it may be queued: it reads the last snapshot, it does not ask the node.

import type { CommandKind, Job } from '../../contract/command.ts';
import { problem, type Problem } from '../../contract/problem.ts';
import { isInForce, type RestartBudget, type RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { closest } from '../../contract/closest.ts';
import { COMMAND_TTL_MS, step, type CommandRecord } from './command-life.ts';

/** An operator's intent, its runtime resolved to a node. */
export type Submit = {
  node: string;
  runtime: string;
  kind: CommandKind;
  args: Record<string, unknown>;
  idempotencyKey?: string;
};

/** A command that waits for its signature and for its place in the queue. */
export type Draft = Omit<CommandRecord, 'signature' | 'ordinal'>;

export function newCommand(request: Submit, id: string, now: number): Draft {
  return {
    id,
    node: request.node,
    runtime: request.runtime,
    kind: request.kind,
    args: request.args,
    state: 'queued',
    attempts: 0,
    unanswered: 0,
    issuedAt: now,
    expiresAt: now + COMMAND_TTL_MS,
    sentAt: null,
    deliveredAt: null,
    receivedAt: null,
    finishedAt: null,
    result: null,
    error: null,
    idempotencyKey: request.idempotencyKey ?? null,
    cancelAskedAt: null,
    cancelSignature: null,
  };
}

/** A budget without headroom, and when it has some again. */
export type ExhaustedBudget = RestartBudget & { reset_at: string };

/** The budget that forbids the command now: empty, and known not to be refilled yet. */
export function exhaustedBudget(
  request: Submit,
  record: RuntimeRecord,
  now: number,
): ExhaustedBudget | undefined {
  if (!spendsRestart(request, record)) return undefined;
  const budget = record.status.restart_budget;
  if (budget?.reset_at === undefined || budget.remaining > 0) return undefined;
  return Date.parse(budget.reset_at) > now ? { ...budget, reset_at: budget.reset_at } : undefined;
}

/** True where the command does nothing useful without a restart that the budget must have. */
function spendsRestart({ kind, args }: Submit, record: RuntimeRecord): boolean {
  switch (kind) {
    // `force` spends past an empty budget.
    case 'restore':
      return args['restart'] !== false && args['force'] !== true;
    case 'switch':
      return hasProcess(record) && !isInForce(record, args);
    // Judged now and not at the end of the drain: work would be turned away for a restart that may be refused.
    case 'drain':
      return args['then'] === 'restart';
    case 'start':
    case 'shutdown':
    case 'undrain':
    case 'load':
    case 'unload':
    case 'budget':
      return false;
    default:
      return kind satisfies never;
  }
}

/** A runtime that is down takes another preset or sandbox for its next start, which is not one of this command. */
function hasProcess({ status }: RuntimeRecord): boolean {
  return status.pid !== undefined && status.state !== 'offline';
}

/** What an operator may do instead where the budget forbids the command. */
export function budgetAdvice(kind: string, budget: ExhaustedBudget): string {
  const spent = `All ${budget.max_restarts} restarts are spent until ${budget.reset_at}`;
  const instead = kind === 'restore' ? 'send {"force": true}' : 'raise max_restarts with the act "budget"';
  return `${spent}: wait, or ${instead}`;
}

/** True where a first command under a key and its repeat ask for the same; for another one the key is taken. */
export function isRepeat(first: CommandRecord, request: Submit): boolean {
  // Both have passed the schema of the kind, which puts their members in one order.
  return JSON.stringify(first.args) === JSON.stringify(request.args);
}

/** The job that tells of a command that was refused: it never was open, so no key may be answered with it. */
export function refusedCommand(record: CommandRecord, now: number): CommandRecord {
  const error = { reason: 'budget-exhausted', message: 'Restart budget exhausted' };
  return { ...step(record, { type: 'failed', at: now, error }), idempotencyKey: null };
}

export function keyTaken(jobId: string): Problem {
  const detail = `Job ${jobId} has it, with other arguments: send another Idempotency-Key for another request`;
  return problem('key-taken', detail, { job_id: jobId });
}

/** Why a job cannot be cancelled any more. */
export function tooLateToCancel(job: Job): Problem {
  const detail =
    job.state === 'running'
      ? `Node "${job.node}" has begun it: wait for its end, and send another act to change what it did`
      : `It ended as "${job.state}": nothing is left to cancel`;
  return problem('too-late', detail, { job });
}

export function unknownJob(): Problem {
  return problem('unknown-job', 'No job has this id, or it ended more than a day ago');
}

export function unknownNode(node: string): Problem {
  return problem('unknown-node', `No node "${node}" is enrolled at this hub`);
}

export function unknownRuntime(
  request: { node: string; runtime: string },
  snapshot: Snapshot | undefined,
): Problem {
  const { node, runtime } = request;
  if (snapshot === undefined) {
    return problem('unknown-runtime', `Node "${node}" is enrolled, but this hub holds no report of it`);
  }
  const known = closest(
    runtime,
    snapshot.runtimes.map(({ descriptor }) => descriptor.id),
  ).map((id) => `${node}/${id}`);
  return problem('unknown-runtime', `Node "${node}" has no runtime "${runtime}"; ${offer(known)}`, { known });
}

/** `the closest are a, b` */
export function offer(known: readonly string[]): string {
  return known.length === 0 ? 'it has none' : `the closest are ${known.join(', ')}`;
}
