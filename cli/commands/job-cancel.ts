// Owns `arw-cli job cancel`.

import { JobSchema } from '../../contract/command.ts';
import { askHub, expectBody, type Hub } from '../hub-client.ts';
import { print, printJson } from '../output.ts';

export async function jobCancel(hub: Hub, id: string, options: { json?: boolean }): Promise<void> {
  const answer = await askHub(hub, 'DELETE', `orchestrator/jobs/${encodeURIComponent(id)}`);
  const job = expectBody(hub, answer, JobSchema);
  if (options.json === true) return printJson(job);
  print(
    job.state === 'cancelled'
      ? `job ${job.job_id} cancelled: nothing was done`
      : `node ${job.node} is asked not to begin job ${job.job_id}; "arw-cli job list --node ${job.node}" tells what came of it`,
  );
}
