// Owns what a new command is and whether it may be queued: it reads the last snapshot, it does not ask the node.

import type { CommandKind } from '../../contract/command.ts';
import { problem, type Problem } from '../../contract/problem.ts';
import type { RestartBudget, RuntimeRecord } from '../../contract/runtime-record.ts';
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

export function newCommand(request: Submit, id: string, now: number): Omit<CommandRecord, 'signature'> {
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
  };
}

/** The budget that forbids a restore now: empty, and known not to be refilled yet. `force` spends past it. */
export function exhaustedBudget(
  request: Submit,
  record: RuntimeRecord,
  now: number,
): (RestartBudget & { reset_at: string }) | undefined {
  if (request.kind !== 'restore') return undefined;
  if (request.args['restart'] === false || request.args['force'] === true) return undefined;
  const budget = record.status.restart_budget;
  if (budget?.reset_at === undefined || budget.remaining > 0) return undefined;
  return Date.parse(budget.reset_at) > now ? { ...budget, reset_at: budget.reset_at } : undefined;
}

/** The job that tells of a command that was refused: it never was open, so no key may be answered with it. */
export function refusedCommand(record: CommandRecord, now: number): CommandRecord {
  const error = { reason: 'budget-exhausted', message: 'Restart budget exhausted' };
  return { ...step(record, { type: 'failed', at: now, error }), idempotencyKey: null };
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
