// Owns the grid as a read: the fleet as cells.

import { Hono } from 'hono';
import { matchesTag } from '../domain/etag.ts';
import { GridQuerySchema } from '../domain/grid.ts';
import type { HubEnv } from '../env.ts';
import { gridView } from '../grid-view.ts';
import { onlyMethods } from '../middleware/method.ts';
import { checkedQuery } from '../middleware/query.ts';
import { problemResponse } from '../problem-response.ts';

export const grid = new Hono<HubEnv>();

grid.get('/', async (c) => {
  const query = checkedQuery(c, GridQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  const { body, etag } = await gridView(c.env, c.executionCtx, query.value);
  const headers = { etag, 'cache-control': 'private, no-cache' };
  if (matchesTag(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers);
  return c.body(body, 200, { ...headers, 'content-type': 'application/json' });
});
grid.all('/', onlyMethods('GET'));
