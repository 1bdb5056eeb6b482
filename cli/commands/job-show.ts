// Owns `arw-cli job show`: one job, as far as it has come.

import { isFinalJobState, JobSchema, type Job } from '../../contract/command.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { print, printJson } from '../output.ts';
import { endWords } from '../render/job-end.ts';
import { toSeconds } from '../render/time.ts';

export async function jobShow(hub: Hub, id: string, { json = false }: { json?: boolean }): Promise<void> {
  const job = await jobOf(hub, id);
  if (json) return printJson(job);
  print(
    `${isFinalJobState(job.state) ? endWords(job) : `${endWords(job)} now`}, asked for at ${toSeconds(job.issued_at)}`,
  );
}

/** @throws CliError */
export async function jobOf(hub: Hub, id: string): Promise<Job> {
  return expectBody(hub, await askHub(hub, 'GET', `orchestrator/jobs/${encodeURIComponent(id)}`), JobSchema);
}
