// Owns the id under which one request is found in the logs of everybody who saw it.

import type { MiddlewareHandler } from 'hono';
import type { HubEnv } from '../env.ts';

/** An answer that has it already is left as it is: to add it later, an answer is built a second time. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** What a caller may choose: nothing that could break a log line. */
const ACCEPTABLE = /^[A-Za-z0-9._:-]{1,128}$/;

const SWITCHING_PROTOCOLS = 101;

export const requestId: MiddlewareHandler<HubEnv> = async (c, next) => {
  const id = requestIdOf(c.req.raw);
  c.set('requestId', id);
  await next();
  // The answer to an upgrade belongs to the platform: it cannot be rebuilt with another header.
  if (c.res.status === SWITCHING_PROTOCOLS || c.res.headers.has(REQUEST_ID_HEADER)) return;
  c.header(REQUEST_ID_HEADER, id);
};

/** The caller's where that will do, else one of ours: another at each call. */
export function requestIdOf(request: Request): string {
  const given = request.headers.get(REQUEST_ID_HEADER);
  return given !== null && ACCEPTABLE.test(given) ? given : crypto.randomUUID();
}
