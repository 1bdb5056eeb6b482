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
import { REQUEST_ID_HEADER } from '../middleware/request-id.ts';
import { fleet } from '../objects/stubs.ts';
import { checkedQuery } from '../middleware/query.ts';
import { problemResponse } from '../problem-response.ts';
import { jobsPage } from '../jobs-page.ts';
import { matrixView, supervisorView } from '../views.ts';
import type { Reader, View } from '../view-cache.ts';

const NoQuerySchema = v.strictObject({});

export const state = new Hono<HubEnv>();

state.get('/runtime_matrix', async (c) => {
  const query = checkedQuery(c, MatrixQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  return answer(c, await matrixView(c.env, readerOf(c), query.value));
});
state.all('/runtime_matrix', onlyMethods('GET'));

state.get('/runtime_supervisor', async (c) => {
  const query = checkedQuery(c, SupervisorQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  return answer(c, await supervisorView(c.env, readerOf(c), query.value));
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
  return answer(c, { body: new Blob([body]), etag: `"${await sha256(body)}"` });
});
state.all('/nodes', onlyMethods('GET'));

state.get('/jobs', async (c) => {
  const query = checkedQuery(c, JobsQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  return c.json(await jobsPage(c.env, query.value), 200, { 'cache-control': 'private, no-store' });
});
state.all('/jobs', onlyMethods('GET'));

function readerOf(c: Context<HubEnv>): Reader {
  const header = c.req.header('if-none-match');
  return {
    has: (etag) => matchesTag(header, etag),
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  };
}

async function answer(c: Context<HubEnv>, { etag, body }: View): Promise<Response> {
  const headers = {
    etag,
    'cache-control': 'private, no-cache',
    [REQUEST_ID_HEADER]: c.get('requestId'),
  };
  if (body === undefined || matchesTag(c.req.header('if-none-match'), etag)) {
    if (body instanceof ReadableStream) await body.cancel();
    return new Response(null, { status: 304, headers });
  }
  // Its stream tells its length and goes out part by part; what goes out whole is copied whole for each reader.
  const bytes = body instanceof Blob ? body.stream() : body;
  return new Response(bytes, { headers: { ...headers, 'content-type': 'application/json' } });
}
