// Owns the description of the API over HTTP: files that are made when the project is built. They hold no data, so that
// anybody may read them.

import { Hono } from 'hono';
import type { HubEnv } from '../env.ts';
import { onlyMethods } from '../middleware/method.ts';
import { file } from './dashboard.ts';

export const docs = new Hono<HubEnv>();

/** They stay under their names over an upgrade, so a reader asks each time whether they are still so. */
for (const path of ['/docs', '/docs.css', '/docs.js', '/openapi.json', '/asyncapi.json']) {
  docs.get(path, (c) => file(c, path === '/docs' ? '/docs.html' : path, { 'cache-control': 'no-cache' }));
  docs.all(path, onlyMethods('GET'));
}
