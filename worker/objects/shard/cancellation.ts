// Owns how an operator takes a command back: at once while it was never sent, else by asking its node not to begin it.

import { cancelSigningText, type Job } from '../../../contract/command.ts';
import { sign } from '../../crypto.ts';
import type { By } from '../../domain/audit.ts';
import { isCancellable, type CommandRecord } from '../../domain/command-life.ts';
import { toJob } from '../../domain/job.ts';
import { fail, type Result } from '../../domain/parse.ts';
import { tooLateToCancel, unknownJob } from '../../domain/submit.ts';
import type { ShardParts } from './parts.ts';

export async function cancel(
  parts: ShardParts,
  { node, id }: { node: string; id: string },
  by: By,
): Promise<Result<Job>> {
  const credentials = await parts.credentials.get(node);
  const before = current(parts, node, id);
  if (before === undefined) return fail(unknownJob());
  // The commands of a node that is not enrolled any more have ended.
  if (credentials === undefined || !isCancellable(before)) return fail(tooLateToCancel(toJob(before)));
  if (before.cancelAskedAt !== null) return { ok: true, value: toJob(before) };
  const { runtime } = before;
  const [signature] = await Promise.all([
    sign(credentials.commandKey, cancelSigningText(node, id)),
    parts.record({ ...by, action: 'job.cancel', node, runtime, jobId: id }),
  ]);
  // The node may live elsewhere by now, or may have begun it meanwhile: what is there now decides.
  if (!parts.credentials.isCurrent(credentials)) return cancel(parts, { node, id }, by);
  const now = Date.now();
  const record = current(parts, node, id);
  if (record === undefined) return fail(unknownJob());
  if (!isCancellable(record)) return fail(tooLateToCancel(toJob(record)));
  parts.queue.apply(node, id, { type: 'cancel-asked', at: now, signature });
  parts.deliver(node, now);
  const asked = parts.queue.find(node, id) ?? record;
  await parts.armForNode(node, now);
  return { ok: true, value: toJob(asked) };
}

/** A job that should have expired has, also where the alarm is late. */
function current(parts: ShardParts, node: string, id: string): CommandRecord | undefined {
  return parts.queue.apply(node, id, { type: 'tick', at: Date.now(), isLinked: false });
}
