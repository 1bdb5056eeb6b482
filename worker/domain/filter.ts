// Owns which nodes and runtimes a filtered read shows. A stale node's runtimes count as `unknown`: a filter never lies.

import * as v from 'valibot';
import { AcceleratorSchema } from '../../contract/accelerator.ts';
import { NodeIdSchema } from '../../contract/ids.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { RuntimeStateSchema } from '../../contract/words.ts';
import { isStale } from './freshness.ts';
import type { NodeView, ViewTime } from './view.ts';

/** The largest page: a bounded answer is what a page is asked for. */
const PAGE_MAX_ITEMS = 1000;

const FILTERS = {
  node: v.optional(NodeIdSchema),
  model: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(256))),
  accelerator: v.optional(AcceleratorSchema),
  state: v.optional(RuntimeStateSchema),
  stale: v.optional(
    v.pipe(
      v.picklist(['true', 'false']),
      v.transform((text) => text === 'true'),
    ),
  ),
};

/** The query parameters of the matrix. A name or a value that is unknown is an error, never ignored. */
export const MatrixQuerySchema = v.strictObject({
  ...FILTERS,
  view: v.optional(v.picklist(['full', 'summary'])),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,6}$/, 'must be a whole number'),
      v.transform(Number),
      v.minValue(1),
      v.maxValue(PAGE_MAX_ITEMS),
    ),
  ),
  /** The last node of the page before. */
  cursor: v.optional(NodeIdSchema),
});

export const SupervisorQuerySchema = v.strictObject(FILTERS);
export type Filter = v.InferOutput<typeof SupervisorQuerySchema>;

/** True where the node, or at least one of its runtimes, is what is looked for. */
export function matchesNode(view: NodeView, filter: Filter, time: ViewTime): boolean {
  if (filter.node !== undefined && view.snapshot.target !== filter.node) return false;
  const stale = isStale(view, time.ttlSeconds, time.now);
  if (filter.stale !== undefined && stale !== filter.stale) return false;
  if (filter.model === undefined && filter.accelerator === undefined && filter.state === undefined)
    return true;
  return view.snapshot.runtimes.some((record) => matchesRuntime(record, filter, stale));
}

/** The part of a filter that speaks of one runtime. */
export function matchesRuntime(record: RuntimeRecord, filter: Filter, stale: boolean): boolean {
  const { descriptor, status } = record;
  if (filter.state !== undefined && (stale ? 'unknown' : status.state) !== filter.state) return false;
  if (filter.accelerator !== undefined && descriptor.accelerator !== filter.accelerator) return false;
  return filter.model === undefined || (descriptor.models ?? []).some((model) => model.id === filter.model);
}
