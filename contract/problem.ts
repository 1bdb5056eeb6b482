// Owns the one table of expected failures: reason -> RFC 9457 problem document.

import * as v from 'valibot';
import { Line } from './scalars.ts';

const PROBLEMS = {
  'malformed-body': { status: 400, title: 'The body is malformed' },
  'unknown-frame': { status: 400, title: 'The frame type is unknown' },
  unauthorized: { status: 401, title: 'A valid token is required' },
  forbidden: { status: 403, title: 'This token may not do that' },
  'join-token-invalid': { status: 403, title: 'The join token is not valid' },
  'alert-unusable': { status: 400, title: 'The alert cannot be set like this' },
  'model-required': { status: 400, title: 'The model must be named' },
  'not-found': { status: 404, title: 'There is nothing at this path' },
  'unknown-node': { status: 404, title: 'The node is not known' },
  'unknown-runtime': { status: 404, title: 'The runtime is not known' },
  'unknown-model': { status: 404, title: 'The model is not known' },
  'unknown-job': { status: 404, title: 'The job is not known' },
  'unknown-relay': { status: 404, title: 'No answer under way has this number' },
  'unknown-action': { status: 404, title: 'The action is not known' },
  'unknown-alert': { status: 404, title: 'The alert is not known' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'ambiguous-runtime': { status: 409, title: 'Several nodes have a runtime of this id' },
  'node-exists': { status: 409, title: 'The node is enrolled already' },
  'node-mismatch': { status: 409, title: 'The snapshot is for another node' },
  'socket-needed': { status: 409, title: 'The node reports without a socket' },
  'too-late': { status: 409, title: 'The job cannot be cancelled any more' },
  'too-many-alerts': { status: 409, title: 'There are as many alerts as there may be' },
  'not-admitted': { status: 409, title: 'The frame came before its hello' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON' },
  'foreign-host': { status: 421, title: 'The request is for another host' },
  'key-taken': { status: 422, title: 'The idempotency key is that of another request' },
  'upgrade-required': { status: 426, title: 'A WebSocket upgrade is required' },
  'budget-exhausted': { status: 429, title: 'The restart budget is exhausted' },
  'too-many-subscribers': { status: 429, title: 'Too many subscribe to events already' },
  'too-many-readers': { status: 429, title: 'The log is read by too many already' },
  'too-many-relays': { status: 429, title: 'The node answers as many as it may already' },
  'queue-full': { status: 429, title: 'The command queue of the node is full' },
  'alert-failed': { status: 502, title: 'The receiver of the alert did not take the message' },
  'runtime-failed': { status: 502, title: 'The runtime did not answer' },
  'gateway-full': { status: 503, title: 'The gateway holds all that it may' },
  'runtime-not-ready': { status: 503, title: 'No runtime takes this request now' },
  internal: { status: 500, title: 'The hub failed' },
  'node-too-old': { status: 501, title: 'The reporter of the node cannot do this' },
  'node-failed': { status: 502, title: 'The node could not do this' },
  'node-offline': { status: 503, title: 'The node is not connected' },
  'shard-unreached': { status: 503, title: 'A part of the hub cannot be reached' },
  'node-silent': { status: 504, title: 'The node did not answer in time' },
} as const;

export type ProblemReason = keyof typeof PROBLEMS;
export type ProblemStatus = (typeof PROBLEMS)[ProblemReason]['status'];

/** RFC 9457. `type` is a URN that ends in the reason; `detail` says what to do. */
export const ProblemSchema = v.looseObject({
  type: v.string(),
  title: Line,
  status: v.pipe(v.number(), v.integer()),
  detail: v.string(),
});
export type Problem = v.InferOutput<typeof ProblemSchema>;

const TYPE_PREFIX = 'urn:runtime-matrix:problem:';

export function problem(
  reason: ProblemReason,
  detail: string,
  extensions: Record<string, unknown> = {},
): Problem & { status: ProblemStatus } {
  const { status, title } = PROBLEMS[reason];
  return { ...extensions, type: `${TYPE_PREFIX}${reason}`, title, status, detail };
}

/** The reason of a problem document of ours; undefined for one from a newer hub or from a proxy on the way. */
export function problemReason(document: Problem): ProblemReason | undefined {
  const reason = document.type.startsWith(TYPE_PREFIX) ? document.type.slice(TYPE_PREFIX.length) : '';
  return isProblemReason(reason) ? reason : undefined;
}

function isProblemReason(text: string): text is ProblemReason {
  return Object.hasOwn(PROBLEMS, text);
}
