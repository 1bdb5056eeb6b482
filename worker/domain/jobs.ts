// Owns which jobs a list shows, in which order, and how its next page is asked for.

import * as v from 'valibot';
import { JobStateSchema, type Job } from '../../contract/command.ts';
import { NodeIdSchema, nodeOfJobId, RuntimeIdSchema } from '../../contract/ids.ts';

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

/** Times alone do not order jobs, so the id decides between those of one millisecond. */
type Position = { issuedAt: number; id: string };

/** The query parameters of the list. */
export const JobsQuerySchema = v.pipe(
  v.strictObject({
    node: v.optional(NodeIdSchema),
    runtime: v.optional(RuntimeIdSchema),
    state: v.optional(JobStateSchema),
    limit: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^\d{1,6}$/, 'must be a whole number'),
        v.transform(Number),
        v.minValue(1),
        v.maxValue(PAGE_MAX),
      ),
      String(PAGE_DEFAULT),
    ),
    /** The place of the last job of the page before. */
    cursor: v.optional(
      v.pipe(
        v.string(),
        v.check((text) => positionOf(text) !== undefined, 'must be the next_cursor of a page'),
      ),
    ),
  }),
  v.transform(({ cursor, ...rest }) => {
    const before = cursor === undefined ? undefined : positionOf(cursor);
    return { ...rest, ...(before && { before }) };
  }),
);
export type JobsQuery = v.InferOutput<typeof JobsQuerySchema>;

function positionOf(cursor: string): Position | undefined {
  const [, time, id] = /^(\d{1,15})~(.{1,200})$/.exec(cursor) ?? [];
  return time === undefined || id === undefined || nodeOfJobId(id) === undefined
    ? undefined
    : { issuedAt: Number(time), id };
}

export function cursorAfter(job: Job): string {
  return `${Date.parse(job.issued_at)}~${job.job_id}`;
}

/** The first jobs of all shards together. One that two shards hold, since it was moving, is shown once. */
export function firstJobs(
  pages: readonly (readonly Job[])[],
  limit: number,
): { jobs: Job[]; isMore: boolean } {
  const byId = new Map(pages.flat().map((job) => [job.job_id, job]));
  const all = [...byId.values()].toSorted(
    (a, b) => Date.parse(b.issued_at) - Date.parse(a.issued_at) || (a.job_id < b.job_id ? 1 : -1),
  );
  return { jobs: all.slice(0, limit), isMore: all.length > limit };
}
