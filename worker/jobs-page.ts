// Owns the list of jobs of the whole fleet: every shard tells its newest, the first of all of them are shown.

import type { Jobs } from '../contract/command.ts';
import { cursorAfter, firstJobs, type JobsQuery } from './domain/jobs.ts';
import type { Env } from './env.ts';
import { askAll } from './objects/stubs.ts';
import { unreachedMember } from './unreached.ts';

export async function jobsPage(env: Env, query: JobsQuery): Promise<Jobs> {
  // One more than the page shows tells whether another one follows.
  const more = { ...query, limit: query.limit + 1 };
  const parts = await askAll(env, (shard, place) => shard.jobs(more, place));
  const { jobs, isMore } = firstJobs(
    parts.map((part) => part.jobs),
    query.limit,
  );
  const last = isMore ? jobs.at(-1) : undefined;
  return { jobs, ...(last && { next_cursor: cursorAfter(last) }), ...unreachedMember(parts) };
}
