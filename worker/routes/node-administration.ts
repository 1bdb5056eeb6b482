// Owns what an admin does to a node of the registry: take it out, give it another token.

import { Hono } from 'hono';
import { TokenRotateRequestSchema, type TokenRotateResponse } from '../../contract/node-api.ts';
import { makeSecret, sha256 } from '../crypto.ts';
import { spellToken } from '../domain/credentials.ts';
import { isoTime } from '../domain/freshness.ts';
import type { HubEnv } from '../env.ts';
import { askedBy } from '../middleware/authentication.ts';
import { jsonBody } from '../middleware/body.ts';
import { onlyMethods } from '../middleware/method.ts';
import { fleet } from '../objects/stubs.ts';
import { problemResponse } from '../problem-response.ts';

/** Long enough to bring the new token to a host by hand. */
const DEFAULT_OVERLAP_SECONDS = 600;

export const nodeAdministration = new Hono<HubEnv>();

nodeAdministration.delete('/:node', async (c) => {
  const removed = await fleet(c.env).remove(c.req.param('node'), askedBy(c));
  return removed.ok ? c.body(null, 204) : problemResponse(removed.problem);
});
nodeAdministration.all('/:node', onlyMethods('DELETE'));

nodeAdministration.post('/:node/token/rotate', async (c) => {
  const body = await jsonBody(c, TokenRotateRequestSchema);
  if (!body.ok) return problemResponse(body.problem);
  const node = c.req.param('node');
  const token = spellToken(node, makeSecret());
  const overlapSeconds = body.value.overlap_secs ?? DEFAULT_OVERLAP_SECONDS;
  const overlapUntil = Date.now() + overlapSeconds * 1000;
  const tokenHash = await sha256(token);
  const rotated = await fleet(c.env).rotate({ node, tokenHash, overlapUntil, by: askedBy(c) });
  if (!rotated.ok) return problemResponse(rotated.problem);
  const answer: TokenRotateResponse = { node, token, previous_until: isoTime(overlapUntil) };
  return c.json(answer);
});
nodeAdministration.all('/:node/token/rotate', onlyMethods('POST'));
