// Owns what Prometheus scrapes.

import { Hono } from 'hono';
import * as v from 'valibot';
import { version } from '../../package.json';
import { exposition, EXPOSITION_TYPE } from '../domain/exposition.ts';
import { metricFamilies } from '../domain/metrics.ts';
import { ttlSeconds } from '../domain/settings.ts';
import type { HubEnv } from '../env.ts';
import { fleetCells } from '../grid-view.ts';
import { onlyMethods } from '../middleware/method.ts';
import { checkedQuery } from '../middleware/query.ts';
import { askAll, fleet } from '../objects/stubs.ts';
import { problemResponse } from '../problem-response.ts';

const NoQuerySchema = v.strictObject({});

export const metrics = new Hono<HubEnv>();

metrics.get('/', async (c) => {
  const query = checkedQuery(c, NoQuerySchema);
  if (!query.ok) return problemResponse(query.problem);
  const [seen, shards, ofFleet] = await Promise.all([
    fleetCells(c.env, c.executionCtx),
    askAll(c.env, async (shard, { index }) => [`shard-${index}`, await shard.counters()] as const),
    fleet(c.env).counters(),
  ]);
  const families = metricFamilies({
    version,
    ttlSeconds: ttlSeconds(c.env.ARW_RUNTIME_MATRIX_TTL_SEC),
    total: seen.total,
    cells: seen.cells,
    shards,
    fleet: ofFleet,
  });
  return c.body(exposition(families), 200, { 'content-type': EXPOSITION_TYPE, 'cache-control': 'no-store' });
});
metrics.all('/', onlyMethods('GET'));
