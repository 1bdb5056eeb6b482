// Owns how an operator's command enters the queue: signed, checked against the last snapshot, durable before the answer.

import { makeJobId } from '../../../contract/ids.ts';
import { problem } from '../../../contract/problem.ts';
import type { RuntimeRecord } from '../../../contract/runtime-record.ts';
import { sign } from '../../crypto.ts';
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

export async function submit(parts: ShardParts, request: Submit): Promise<Result<Submitted>> {
  const { node } = request;
  const signed = await signedCommand(parts, request);
  if (signed === undefined) return fail(unknownNode(node));
  // From here on nothing is awaited before the row is written: the checks and the write are one step.
  const now = Date.now();
  const snapshot = parts.nodes.get(node)?.snapshot;
  const runtime = snapshot?.runtimes.find(({ descriptor }) => descriptor.id === request.runtime);
  const reported = runtime?.status.restart_budget;
  const budget = reported === undefined ? {} : { budget: reported };
  // What was accepted once is answered like that again, whatever the node has reported since.
  const first = firstUnderKey(parts, request);
  if (first !== undefined) {
    if (!isRepeat(first, request)) return fail(keyTaken(first.id));
    const delivered = first.attempts > 0;
    return { ok: true, value: { kind: 'accepted', job: toJob(first), delivered, isReplay: true, ...budget } };
  }
  if (runtime === undefined) return fail(unknownRuntime(request, snapshot));
  const record = { ...signed, ordinal: parts.queue.nextOrdinal() };
  const exhausted = knownExhaustion(parts, request, runtime, now);
  if (exhausted !== undefined) {
    const refused = refusedCommand(record, now);
    parts.queue.add(refused);
    const retryAfterSeconds = Math.ceil((Date.parse(exhausted.reset_at) - now) / 1000);
    return {
      ok: true,
      value: { kind: 'refused', job: toJob(refused), budget: exhausted, retryAfterSeconds },
    };
  }
  if (parts.queue.openCount(node) >= MAX_OPEN) {
    return fail(
      problem('queue-full', `Node "${node}" has ${MAX_OPEN} commands waiting: let it connect first`),
    );
  }
  parts.queue.add(record);
  const delivered = parts.deliver(node, now);
  await parts.armForNode(node, now);
  const written = parts.queue.find(node, record.id) ?? record;
  return {
    ok: true,
    value: { kind: 'accepted', job: toJob(written), delivered, isReplay: false, ...budget },
  };
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

/** Undefined where the node is not enrolled. Signs anew where the node was enrolled anew meanwhile. */
async function signedCommand(
  parts: ShardParts,
  request: Submit,
): Promise<Omit<CommandRecord, 'ordinal'> | undefined> {
  for (;;) {
    const credentials = await parts.credentials.get(request.node);
    if (credentials === undefined) return undefined;
    const id = makeJobId(request.node, crypto.randomUUID());
    const draft = newCommand(request, id, Date.now());
    const signature = await sign(credentials.commandKey, signingText(draft));
    if (parts.credentials.isCurrent(credentials)) return { ...draft, signature };
  }
}

function firstUnderKey(parts: ShardParts, request: Submit): CommandRecord | undefined {
  const { node, runtime, kind, idempotencyKey } = request;
  return idempotencyKey === undefined
    ? undefined
    : parts.queue.findByKey(node, runtime, kind, idempotencyKey);
}
