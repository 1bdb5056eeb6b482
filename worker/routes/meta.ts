// Owns the paths that anybody may read: that the hub lives, and what it is.

import { Hono } from 'hono';
import { UPLINK_PROTOCOL } from '../../contract/frames.ts';
import { name, version } from '../../package.json';
import type { HubEnv } from '../env.ts';
import { onlyMethods } from '../middleware/method.ts';

export const meta = new Hono<HubEnv>()
  .get('/healthz', (c) => c.text('ok'))
  .all('/healthz', onlyMethods('GET'))
  .get('/about', (c) => c.json({ name, version, protocol: UPLINK_PROTOCOL }))
  .all('/about', onlyMethods('GET'));
