// Owns `arw-cli job list`.

import { JobsSchema, type JobState } from '../../contract/command.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { columnsOf, printJson, printLines } from '../output.ts';
import { renderJobs } from '../render/jobs.ts';

export type JobListOptions = { node?: string; state?: JobState; limit: number; json?: boolean };

export async function jobList(hub: Hub, { node, state, limit, json }: JobListOptions): Promise<void> {
  const query = new URLSearchParams({
    limit: String(limit),
    ...(node !== undefined && { node }),
    ...(state !== undefined && { state }),
  });
  const answer = await askHub(hub, 'GET', `state/jobs?${query.toString()}`);
  const jobs = expectBody(hub, answer, JobsSchema);
  if (json === true) return printJson(jobs);
  printLines(renderJobs(jobs, columnsOf(process.stdout)));
}
