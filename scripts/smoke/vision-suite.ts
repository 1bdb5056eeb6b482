// Owns the steps of `runtime-smoke-vision`: a stub llava under the supervisor, and its way through a forced restore.

import * as v from 'valibot';
import { CommandAcceptedSchema, JobSchema } from '../../contract/command.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { checkMatrix } from './matrix-step.ts';
import type { SmokeHub } from './smoke-hub.ts';
import type { Step } from './steps.ts';
import { VISION_RUNTIME } from './vision-manifest.ts';

/** A picture of one by one pixel: what it shows does not matter to a stub. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

const DescribedSchema = v.object({ description: v.string(), pid: v.number() });

export async function visionSuite(step: Step, hub: SmokeHub, node: string, url: string): Promise<void> {
  const before = await step('the vision runtime is Ready in the matrix', async () => {
    const record = await hub.readyRuntime(node, VISION_RUNTIME);
    const { modalities } = record.descriptor;
    if (!modalities.includes('vision')) throw new Error(`its modalities are ${modalities.join(', ')}`);
    return record;
  });
  await step('/describe describes a picture', () => describe(url, before.status.pid));
  await checkMatrix(step, hub);
  const jobId = await step('a restore through the hub is accepted', async () => {
    const path = `/orchestrator/runtimes/${encodeURIComponent(`${node}/${VISION_RUNTIME}`)}/restore`;
    const answer = await hub.ask(path, { method: 'POST', body: { restart: true } });
    return v.parse(CommandAcceptedSchema, await answer.json()).job_id;
  });
  const after = await step('the matrix cycles back to Ready', async () => {
    const record = await cycled(hub, node, before);
    const wanted = (before.status.restart_budget?.used ?? 0) + 1;
    const used = record.status.restart_budget?.used;
    if (used !== wanted) throw new Error(`the budget tells ${used} restarts, not ${wanted}`);
    return record;
  });
  await step('the job tells its end', () => completed(hub, jobId));
  await step('the event log tells the cycle', () => checkCycle(hub, jobId));
  await step('/describe is answered by the new process', () => describe(url, after.status.pid));
}

async function describe(url: string, pid: number | undefined): Promise<void> {
  const answer = await fetch(`${url}/describe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ image: PIXEL }),
  });
  if (!answer.ok)
    throw new Error(`it was answered ${answer.status} (${(await answer.text()).slice(0, 300)})`);
  const told = v.parse(DescribedSchema, await answer.json());
  if (!told.description.includes('1 by 1')) throw new Error(`it says "${told.description}"`);
  if (told.pid !== pid) throw new Error(`process ${told.pid} answers, and the matrix tells ${pid}`);
}

/** Ready again as another process. @throws Error where it has failed on its way. */
async function cycled(hub: SmokeHub, node: string, before: RuntimeRecord): Promise<RuntimeRecord> {
  return hub.until(async () => {
    const record = await hub.readyRuntime(node, VISION_RUNTIME);
    return record.status.pid === before.status.pid ? undefined : record;
  });
}

async function completed(hub: SmokeHub, jobId: string): Promise<void> {
  const job = await hub.until(async () => {
    const answer = await hub.ask(`/orchestrator/jobs/${encodeURIComponent(jobId)}`);
    const told = v.parse(JobSchema, await answer.json());
    return told.finished_at === undefined ? undefined : told;
  });
  if (job.state !== 'completed') throw new Error(`it is ${job.state}: ${job.error?.message ?? 'no reason'}`);
}

/** Something else than Ready since the restore, then Ready: from the log, which misses no state however short it was. */
async function checkCycle(hub: SmokeHub, jobId: string): Promise<void> {
  // A folder that is used again has the log of earlier runs too.
  let isOurs = false;
  const states: unknown[] = [];
  await hub.eventsUntil('runtime.restore.requested,runtime.state.', ({ kind, payload }) => {
    if (kind === 'runtime.restore.requested') isOurs ||= payload['job_id'] === jobId;
    else if (isOurs && payload['runtime'] === VISION_RUNTIME) states.push(payload['to']);
    return states.at(-1) === 'ready';
  });
  if (!states.includes('starting')) throw new Error(`the states were ${states.join(', ')}`);
}
