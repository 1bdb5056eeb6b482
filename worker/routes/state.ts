// Owns the read models over HTTP: queries are checked, cuts come from views.ts, entity tags save the way back.

import { Hono, type Context } from 'hono';
import * as v from 'valibot';
import type { Nodes } from '../../contract/read-models.ts';
import { sha256 } from '../crypto.ts';
import { JobsQuerySchema } from '../domain/jobs.ts';
import { matchesTag } from '../domain/etag.ts';
import { MatrixQuerySchema, SupervisorQuerySchema } from '../domain/filter.ts';
import { isoTime } from '../domain/freshness.ts';
import type { HubEnv } from '../env.ts';
import { onlyMethods } from '../middleware/method.ts';
import { fleet } from '../objects/stubs.ts';
import { checkedQuery } from '../middleware/query.ts';
import { problemResponse } from '../problem-response.ts';
import { jobsPage } from '../jobs-page.ts';
import { matrixView, supervisorView, type View } from '../views.ts';

const NoQuerySchema = v.strictObject({});

export const state = new Hono<HubEnv>();

state.get('/runtime_matrix', async (c) => {
  const query = checkedQuery(c, MatrixQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  return answer(c, await matrixView(c.env, query.value));
});
state.all('/runtime_matrix', onlyMethods('GET'));

state.get('/runtime_supervisor', async (c) => {
  const query = checkedQuery(c, SupervisorQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  return answer(c, await supervisorView(c.env, query.value));
});
state.all('/runtime_supervisor', onlyMethods('GET'));

state.get('/nodes', async (c) => {
  const query = checkedQuery(c, NoQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  const registered = await fleet(c.env).nodes();
  const nodes: Nodes = {
    nodes: registered.map(({ node, enrolledAt }) => ({ node, enrolled_at: isoTime(enrolledAt) })),
  };
  const body = JSON.stringify(nodes);
  return answer(c, { body, etag: `"${await sha256(body)}"` });
});
state.all('/nodes', onlyMethods('GET'));

state.get('/jobs', async (c) => {
  const query = checkedQuery(c, JobsQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  return c.json(await jobsPage(c.env, query.value), 200, { 'cache-control': 'private, no-store' });
});
state.all('/jobs', onlyMethods('GET'));

function answer(c: Context<HubEnv>, view: View): Response {
  const headers = { etag: view.etag, 'cache-control': 'private, no-cache' };
  if (matchesTag(c.req.header('if-none-match'), view.etag)) return c.body(null, 304, headers);
  return c.body(view.body, 200, { ...headers, 'content-type': 'application/json' });
}
