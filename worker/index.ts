// Owns the entry of the worker: the quick way of reports, the app for everything else, and the classes of its objects.

import { app } from './app.ts';
import type { Env } from './env.ts';
import { quickReport } from './report.ts';

export { Fleet } from './objects/fleet.ts';
export { NodeShard } from './objects/node-shard.ts';

export default {
  fetch: (request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> =>
    quickReport(request, env) ?? app.fetch(request, env, context),
};
