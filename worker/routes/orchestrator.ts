// Owns an operator's acts on runtimes, and the jobs that tell what became of them.

import { Hono, type Context } from 'hono';
import {
  COMMAND_ARGS,
  COMMAND_KINDS,
  type BudgetRefusal,
  type CommandAccepted,
  type CommandKind,
  type Job,
} from '../../contract/command.ts';
import { nodeOfJobId, parseRuntimeRef } from '../../contract/ids.ts';
import { problem } from '../../contract/problem.ts';
import { budgetAdvice, unknownJob } from '../domain/submit.ts';
import type { Env, HubEnv } from '../env.ts';
import { askedBy } from '../middleware/authentication.ts';
import { jsonBody } from '../middleware/body.ts';
import { idempotencyKey } from '../middleware/idempotency-key.ts';
import { onlyMethods } from '../middleware/method.ts';
import { askAll, shardFor, type Submitted } from '../objects/stubs.ts';
import { problemResponse } from '../problem-response.ts';
import { resolveRuntime } from '../resolve-runtime.ts';

export const orchestrator = new Hono<HubEnv>();

for (const kind of COMMAND_KINDS) {
  // `<node>%2F<runtime>`, or the runtime alone; then the same with a slash that nobody escaped.
  orchestrator.post(`/runtimes/:id/${kind}`, (c) => act(c, kind, c.req.param('id')));
  orchestrator.all(`/runtimes/:id/${kind}`, onlyMethods('POST'));
  orchestrator.post(`/runtimes/:node/:runtime/${kind}`, (c) => {
    const { node, runtime } = c.req.param();
    return act(c, kind, `${node}/${runtime}`);
  });
  orchestrator.all(`/runtimes/:node/:runtime/${kind}`, onlyMethods('POST'));
}

orchestrator.get('/jobs/:id', async (c) => {
  const id = c.req.param('id');
  const node = nodeOfJobId(id);
  const job = node === undefined ? null : await findJob(c.env, node, id);
  return job === null ? problemResponse(unknownJob()) : c.json(job);
});

orchestrator.delete('/jobs/:id', async (c) => {
  const id = c.req.param('id');
  const node = nodeOfJobId(id);
  if (node === undefined) return problemResponse(unknownJob());
  const cancelled = await shardFor(c.env, node).cancelJob(node, id, askedBy(c));
  if (!cancelled.ok) return problemResponse(cancelled.problem);
  // Until the node has answered nobody knows whether it has begun.
  return c.json(cancelled.value, cancelled.value.state === 'cancelled' ? 200 : 202);
});
orchestrator.all('/jobs/:id', onlyMethods('GET, DELETE'));

/** Asks the shard of the node; then all, since the node may have lived elsewhere when the job was made. */
async function findJob(env: Env, node: string, id: string): Promise<Job | null> {
  const job = await shardFor(env, node).job(node, id);
  if (job !== null) return job;
  return (await askAll(env, (shard) => shard.job(node, id))).find((found) => found !== null) ?? null;
}

async function act(c: Context<HubEnv>, kind: CommandKind, id: string): Promise<Response> {
  const args = await jsonBody(c, COMMAND_ARGS[kind]);
  if (!args.ok) return problemResponse(args.problem);
  const key = idempotencyKey(c);
  if (!key.ok) return problemResponse(key.problem);
  const ref = parseRuntimeRef(id);
  if (ref === undefined) {
    return problemResponse(
      problem('unknown-runtime', 'A runtime is named <node>%2F<runtime>, or <runtime> alone'),
    );
  }
  const found = await resolveRuntime(c.env, ref);
  if (!found.ok) return problemResponse(found.problem);
  const request = {
    ...found.value,
    kind,
    args: args.value,
    ...(key.value !== undefined && { idempotencyKey: key.value }),
  };
  const submitted = await shardFor(c.env, found.value.node).submit(request, askedBy(c));
  return submitted.ok ? told(submitted.value) : problemResponse(submitted.problem);
}

function told(submitted: Submitted): Response {
  const { job } = submitted;
  const named = { runtime_id: job.runtime_id, node: job.node };
  if (submitted.kind === 'accepted') {
    const { budget, delivered, isReplay } = submitted;
    const answer: CommandAccepted = {
      ok: true,
      ...named,
      pending: true,
      delivered,
      ...(budget && { restart_budget: budget }),
      job_id: job.job_id,
    };
    return Response.json(answer, {
      status: 202,
      headers: isReplay ? { 'idempotency-replayed': 'true' } : {},
    });
  }
  const { budget, retryAfterSeconds } = submitted;
  const refusal: BudgetRefusal = {
    ok: false,
    ...named,
    pending: false,
    reason: 'Restart budget exhausted',
    restart_budget: budget,
    job_id: job.job_id,
  };
  return problemResponse(problem('budget-exhausted', budgetAdvice(job.kind, budget), refusal), {
    'retry-after': String(retryAfterSeconds),
  });
}
