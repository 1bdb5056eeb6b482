// Owns the paths that anybody may read: that the hub lives, and what it is.

import { Hono } from 'hono';
import { UPLINK_PROTOCOL } from '../../contract/frames.ts';
import { name, version } from '../../package.json';
import type { HubEnv } from '../env.ts';
import { onlyMethods } from '../middleware/method.ts';

export const meta = new Hono<HubEnv>()
  // With the time, which not every platform adds: a host compares its clock with it.
  .get('/healthz', (c) => c.text('ok', 200, { date: new Date().toUTCString() }))
  .all('/healthz', onlyMethods('GET'))
  .get('/about', (c) => c.json({ name, version, protocol: UPLINK_PROTOCOL }))
  .all('/about', onlyMethods('GET'));
