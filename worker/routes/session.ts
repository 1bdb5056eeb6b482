// Owns how a browser signs in and out: a token becomes a cookie that scripts cannot read.

import { Hono } from 'hono';
import { problem } from '../../contract/problem.ts';
import { SessionRequestSchema, type Session } from '../../contract/session.ts';
import { isoTime } from '../domain/freshness.ts';
import type { HubEnv } from '../env.ts';
import { FIRST_ADMIN, isAdmin, requireAdmin } from '../middleware/authentication.ts';
import { jsonBody } from '../middleware/body.ts';
import { onlyMethods } from '../middleware/method.ts';
import { problemResponse } from '../problem-response.ts';
import { beginSession, endSession, mayActBySession, presentedSession } from '../session.ts';

/** Who guesses waits. The token is compared in constant time and long, so this is not what keeps it safe. */
const WRONG_TOKEN_MS = 500;
const BODY_MAX_BYTES = 8192;
const UNSTORED = { 'cache-control': 'no-store' };

export const session = new Hono<HubEnv>();

session.post('/', async (c) => {
  const body = await jsonBody(c, SessionRequestSchema, BODY_MAX_BYTES);
  if (!body.ok) return problemResponse(body.problem);
  if (!mayActBySession(c))
    return problemResponse(problem('forbidden', 'Sign in on the page of the hub itself'));
  const now = Date.now();
  const { token } = body.value;
  if (token === undefined) {
    if ((await presentedSession(c, now)) === undefined) {
      return problemResponse(problem('unauthorized', 'There is no session to renew: send {"token": "…"}'));
    }
  } else if (!isAdmin(c, token)) {
    await new Promise((resolve) => setTimeout(resolve, WRONG_TOKEN_MS));
    return problemResponse(problem('unauthorized', 'This token is not known to the hub'));
  }
  const until = await beginSession(c, c.env.ARW_ADMIN_TOKEN ?? '', now);
  const begun: Session = { actor: FIRST_ADMIN, expires_at: isoTime(until), server_time: isoTime(now) };
  return c.json(begun, 200, UNSTORED);
});

session.get('/', requireAdmin, async (c) => {
  const until = c.get('sessionUntil');
  const told: Session = {
    actor: c.get('actor'),
    ...(until !== undefined && { expires_at: isoTime(until) }),
    server_time: isoTime(Date.now()),
  };
  return c.json(told, 200, UNSTORED);
});

session.delete('/', async (c) => {
  if (!mayActBySession(c))
    return problemResponse(problem('forbidden', 'Sign out on the page of the hub itself'));
  await endSession(c);
  return c.body(null, 204);
});

session.all('/', onlyMethods('GET, POST, DELETE'));
