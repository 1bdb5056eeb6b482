// Owns the spelling of identities: which strings may name a node, a runtime and a job.

import * as v from 'valibot';

/** A node is a key of the matrix, and careful parsers, ours among them, drop these keys. */
const TRAPS: ReadonlySet<string> = new Set(['constructor', 'prototype']);

/** A node id is a hostname-like word: it is a URL segment, a metric label and a spoken name at once. */
export const NodeIdSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1-63 letters, digits, ".", "_" or "-"'),
  v.check((id) => !TRAPS.has(id), 'is a word that readers of JSON do not take as a key'),
);

/** A runtime id is unique on its node; `<node>/<runtime>` names it in the fleet, so it holds no slash. */
export const RuntimeIdSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,126}$/, 'must be 1-127 letters, digits, ".", "_", ":" or "-"'),
);

/** How an operator may name a runtime: alone where one node has it, or with its node. */
export type RuntimeRef = { node?: string; runtime: string };

/** Reads `<node>/<runtime>` or `<runtime>`; undefined where the text names no runtime. */
export function parseRuntimeRef(text: string): RuntimeRef | undefined {
  const slash = text.indexOf('/');
  const node = slash < 0 ? undefined : text.slice(0, slash);
  const runtime = text.slice(slash + 1);
  if (!v.is(RuntimeIdSchema, runtime)) return undefined;
  if (node === undefined) return { runtime };
  return v.is(NodeIdSchema, node) ? { node, runtime } : undefined;
}

/**
 * A job id carries its node, so that any hub isolate finds the object that owns the job without an index, also
 * after the fleet was split over another number of shards.
 */
export function makeJobId(node: string, unique: string): string {
  return `${node}:${unique}`;
}

/** The node of a job id; undefined where the text is none. */
export function nodeOfJobId(jobId: string): string | undefined {
  const colon = jobId.indexOf(':');
  if (colon < 1 || colon === jobId.length - 1) return undefined;
  const node = jobId.slice(0, colon);
  return v.is(NodeIdSchema, node) ? node : undefined;
}
