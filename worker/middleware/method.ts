// Owns the answer to a method that a path does not take.

import type { Handler } from 'hono';
import { problem } from '../../contract/problem.ts';
import type { HubEnv } from '../env.ts';
import { problemResponse } from '../problem-response.ts';

/** For `app.all(path, …)` after the handlers of the path. `allow` lists its methods: `GET, POST`. */
export function onlyMethods(allow: string): Handler<HubEnv> {
  return (c) =>
    problemResponse(problem('method-not-allowed', `${c.req.method} is not allowed here, only ${allow}`), {
      allow,
    });
}
