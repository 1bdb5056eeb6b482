// Owns the making of join tokens: shown once, kept as a hash.

import { Hono } from 'hono';
import { JoinTokenRequestSchema, type JoinTokenResponse } from '../../contract/node-api.ts';
import { makeSecret, sha256 } from '../crypto.ts';
import { isoTime } from '../domain/freshness.ts';
import type { HubEnv } from '../env.ts';
import { askedBy } from '../middleware/authentication.ts';
import { jsonBody } from '../middleware/body.ts';
import { onlyMethods } from '../middleware/method.ts';
import { fleet } from '../objects/stubs.ts';
import { problemResponse } from '../problem-response.ts';

const DEFAULT_USES = 1;
const DEFAULT_TTL_SECONDS = 3600;

export const joinTokens = new Hono<HubEnv>();

joinTokens.post('/', async (c) => {
  const body = await jsonBody(c, JoinTokenRequestSchema);
  if (!body.ok) return problemResponse(body.problem);
  const { uses = DEFAULT_USES, ttl_secs: ttl = DEFAULT_TTL_SECONDS } = body.value;
  const joinToken = `arwj_${makeSecret()}`;
  const expiresAt = Date.now() + ttl * 1000;
  await fleet(c.env).addJoinToken({ hash: await sha256(joinToken), uses, expiresAt, by: askedBy(c) });
  const answer: JoinTokenResponse = { join_token: joinToken, expires_at: isoTime(expiresAt) };
  return c.json(answer, 201);
});
joinTokens.all('/', onlyMethods('POST'));
