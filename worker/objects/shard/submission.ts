// Owns how an operator's command enters the queue: checked against the last snapshot, noted in the audit log, signed,
// durable before the answer.

import { makeJobId } from '../../../contract/ids.ts';
import { problem, type Problem } from '../../../contract/problem.ts';
import type { RestartBudget, RuntimeRecord } from '../../../contract/runtime-record.ts';
import { sign } from '../../crypto.ts';
import { auditOfAct, type By } from '../../domain/audit.ts';
import type { CommandRecord } from '../../domain/command-life.ts';
import { signingText, toJob } from '../../domain/job.ts';
import { fail, type Result } from '../../domain/parse.ts';
import {
  exhaustedBudget,
  isRepeat,
  keyTaken,
  newCommand,
  refusedCommand,
  unknownNode,
  unknownRuntime,
  type ExhaustedBudget,
  type Submit,
} from '../../domain/submit.ts';
import type { Submitted } from '../rpc.ts';
import { MAX_OPEN } from './command-queue.ts';
import type { ShardParts } from './parts.ts';

export async function submit(parts: ShardParts, request: Submit, by: By): Promise<Result<Submitted>> {
  const { node } = request;
  const draft = newCommand(request, makeJobId(node, crypto.randomUUID()), Date.now());
  let isRecorded = false;
  for (;;) {
    const credentials = await parts.credentials.get(node);
    if (credentials === undefined) return fail(unknownNode(node));
    const mustRecord: boolean = !isRecorded && judge(parts, request, Date.now()).kind === 'queue';
    const [signature] = await Promise.all([
      sign(credentials.commandKey, signingText(draft)),
      mustRecord ? parts.record(auditOfAct(request, draft.id, by)) : undefined,
    ]);
    isRecorded ||= mustRecord;
    // From here on nothing is awaited before the row is written: the checks and the write are one step.
    if (!parts.credentials.isCurrent(credentials)) continue;
    const now = Date.now();
    const verdict = judge(parts, request, now);
    if (verdict.kind === 'queue' && !isRecorded) continue;
    return settle(parts, verdict, { ...draft, signature, ordinal: parts.queue.nextOrdinal() }, now);
  }
}

type Verdict =
  | { kind: 'refuse'; problem: Problem }
  | { kind: 'replay'; first: CommandRecord; budget: RestartBudget | undefined }
  | { kind: 'exhausted'; budget: ExhaustedBudget }
  | { kind: 'queue'; budget: RestartBudget | undefined };

/** What is to become of the command, as of now. */
function judge(parts: ShardParts, request: Submit, now: number): Verdict {
  const { node } = request;
  const snapshot = parts.nodes.get(node)?.snapshot;
  const runtime = snapshot?.runtimes.find(({ descriptor }) => descriptor.id === request.runtime);
  const budget = runtime?.status.restart_budget;
  // What was accepted once is answered like that again, whatever the node has reported since.
  const first = firstUnderKey(parts, request);
  if (first !== undefined) {
    return isRepeat(first, request)
      ? { kind: 'replay', first, budget }
      : { kind: 'refuse', problem: keyTaken(first.id) };
  }
  if (runtime === undefined) return { kind: 'refuse', problem: unknownRuntime(request, snapshot) };
  const exhausted = knownExhaustion(parts, request, runtime, now);
  if (exhausted !== undefined) return { kind: 'exhausted', budget: exhausted };
  return parts.queue.openCount(node) >= MAX_OPEN
    ? { kind: 'refuse', problem: queueFull(node) }
    : { kind: 'queue', budget };
}

async function settle(
  parts: ShardParts,
  verdict: Verdict,
  record: CommandRecord,
  now: number,
): Promise<Result<Submitted>> {
  switch (verdict.kind) {
    case 'refuse':
      return fail(verdict.problem);
    case 'replay':
      return accepted(verdict.first, verdict.budget, {
        delivered: verdict.first.attempts > 0,
        isReplay: true,
      });
    case 'exhausted': {
      const refused = refusedCommand(record, now);
      parts.queue.add(refused);
      const retryAfterSeconds = Math.ceil((Date.parse(verdict.budget.reset_at) - now) / 1000);
      return {
        ok: true,
        value: { kind: 'refused', job: toJob(refused), budget: verdict.budget, retryAfterSeconds },
      };
    }
    case 'queue': {
      const queued = parts.enqueue(record, now);
      await parts.armForNode(queued.node, now);
      return accepted(queued, verdict.budget, { delivered: queued.attempts > 0, isReplay: false });
    }
    default:
      return verdict satisfies never;
  }
}

function accepted(
  record: CommandRecord,
  budget: RestartBudget | undefined,
  how: { delivered: boolean; isReplay: boolean },
): Result<Submitted> {
  const value = { kind: 'accepted' as const, job: toJob(record), ...how, ...(budget && { budget }) };
  return { ok: true, value };
}

function queueFull(node: string): Problem {
  return problem('queue-full', `Node "${node}" has ${MAX_OPEN} commands waiting: let it connect first`);
}

/** Undefined also where a command since the last snapshot may have widened the budget: then the node says it. */
function knownExhaustion(
  parts: ShardParts,
  request: Submit,
  runtime: RuntimeRecord,
  now: number,
): ExhaustedBudget | undefined {
  const { node } = request;
  const exhausted = exhaustedBudget(request, runtime, now);
  const reportedAt = parts.nodes.get(node)?.receivedAt ?? 0;
  const isOutdated =
    exhausted !== undefined && parts.queue.mayHaveChangedBudget(node, request.runtime, reportedAt);
  return isOutdated ? undefined : exhausted;
}

function firstUnderKey(parts: ShardParts, request: Submit): CommandRecord | undefined {
  const { node, runtime, kind, idempotencyKey } = request;
  return idempotencyKey === undefined
    ? undefined
    : parts.queue.findByKey(node, runtime, kind, idempotencyKey);
}
