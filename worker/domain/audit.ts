// Owns what is noted of an act, and what may be asked of the notes.

import * as v from 'valibot';
import { AuditActionSchema, runtimeAction, type Actor, type AuditAction } from '../../contract/audit.ts';
import { NodeIdSchema } from '../../contract/ids.ts';
import type { Submit } from './submit.ts';

/** Who asks, and under which id the request is found in the logs. */
export type By = { actor: Actor; requestId: string };

export type AuditDraft = By & {
  action: AuditAction;
  node?: string;
  runtime?: string;
  jobId?: string;
  args?: Record<string, unknown>;
  isForced?: boolean;
};

/** So many acts are remembered; older ones make room. */
export const AUDIT_KEPT = 10_000;

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

/** What is noted of a command before it is queued. */
export function auditOfAct(request: Submit, jobId: string, by: By): AuditDraft {
  const { node, runtime, kind, args } = request;
  return { ...by, action: runtimeAction(kind), node, runtime, jobId, args, isForced: args['force'] === true };
}

/** A join token is named by the start of its hash: the hash is no secret, the token is. */
export function joinTokenId(hash: string): string {
  return hash.slice(0, 12);
}

const wholeNumber = (max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(1),
    v.maxValue(max),
  );

/** The query parameters of the log. */
export const AuditQuerySchema = v.strictObject({
  node: v.optional(NodeIdSchema),
  action: v.optional(AuditActionSchema),
  forced: v.optional(
    v.pipe(
      v.picklist(['true', 'false']),
      v.transform((text) => text === 'true'),
    ),
  ),
  limit: v.optional(wholeNumber(PAGE_MAX), String(PAGE_DEFAULT)),
  /** The id of the last entry of the page before. */
  cursor: v.optional(wholeNumber(Number.MAX_SAFE_INTEGER)),
});
export type AuditQuery = v.InferOutput<typeof AuditQuerySchema>;
