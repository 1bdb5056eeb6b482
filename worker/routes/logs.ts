// Owns reading the log of a runtime: as text, or as events while it is followed.

import { Hono, type Context } from 'hono';
import { parseRuntimeRef } from '../../contract/ids.ts';
import { problem } from '../../contract/problem.ts';
import { LogsQuerySchema } from '../domain/logs-query.ts';
import type { HubEnv } from '../env.ts';
import { onlyMethods } from '../middleware/method.ts';
import { checkedQuery } from '../middleware/query.ts';
import { logsRequest, shardFor } from '../objects/stubs.ts';
import { problemResponse } from '../problem-response.ts';
import { resolveRuntime } from '../resolve-runtime.ts';

export const logs = new Hono<HubEnv>();

logs.get('/runtimes/:id/logs', (c) => read(c, c.req.param('id')));
logs.all('/runtimes/:id/logs', onlyMethods('GET'));
logs.get('/runtimes/:node/:runtime/logs', (c) => {
  const { node, runtime } = c.req.param();
  return read(c, `${node}/${runtime}`);
});
logs.all('/runtimes/:node/:runtime/logs', onlyMethods('GET'));

async function read(c: Context<HubEnv>, id: string): Promise<Response> {
  const query = checkedQuery(c, LogsQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  const ref = parseRuntimeRef(id);
  if (ref === undefined) {
    return problemResponse(
      problem('unknown-runtime', 'A runtime is named <node>%2F<runtime>, or <runtime> alone'),
    );
  }
  const found = await resolveRuntime(c.env, ref);
  if (!found.ok) return problemResponse(found.problem);
  return shardFor(c.env, found.value.node).fetch(logsRequest({ ...found.value, args: query.value }));
}
