// Owns how a command is told: to its node as a frame, to an operator as a job.

import {
  commandSigningText,
  type Command,
  type CommandCancel,
  type CommandCore,
  type Job,
} from '../../contract/command.ts';
import type { CommandRecord } from './command-life.ts';
import { isoTime } from './freshness.ts';
import type { Draft } from './submit.ts';

/** The frame of the attempt that the record counts. */
export function toCommand(record: CommandRecord): Command {
  return {
    type: 'command',
    ...signedPart(record),
    attempt: record.attempts,
    signature: record.signature,
  };
}

/** What goes out to the node of the record: the command, or that it must not begin. */
export function toFrame(record: CommandRecord): Command | CommandCancel {
  const { id, cancelAskedAt, cancelSignature } = record;
  if (cancelAskedAt === null || cancelSignature === null) return toCommand(record);
  return { type: 'command.cancel', id, signature: cancelSignature };
}

/** The text that the signature of the command covers. */
export function signingText(record: Draft): string {
  return commandSigningText(record.node, signedPart(record));
}

export function toJob(record: CommandRecord): Job {
  return {
    job_id: record.id,
    kind: record.kind,
    node: record.node,
    runtime_id: record.runtime,
    args: record.args,
    state: record.state,
    delivered: record.attempts > 0,
    attempts: record.attempts,
    issued_at: isoTime(record.issuedAt),
    expires_at: isoTime(record.expiresAt),
    ...(record.deliveredAt !== null && { delivered_at: isoTime(record.deliveredAt) }),
    ...(record.receivedAt !== null && { received_at: isoTime(record.receivedAt) }),
    ...(record.cancelAskedAt !== null && { cancel_requested_at: isoTime(record.cancelAskedAt) }),
    ...(record.finishedAt !== null && { finished_at: isoTime(record.finishedAt) }),
    ...(record.result !== null && { result: record.result }),
    ...(record.error !== null && { error: record.error }),
  };
}

function signedPart(record: Draft): CommandCore {
  return {
    id: record.id,
    kind: record.kind,
    runtime: record.runtime,
    args: record.args,
    issued_at: isoTime(record.issuedAt),
    expires_at: isoTime(record.expiresAt),
  };
}
