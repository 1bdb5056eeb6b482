// Owns the node side: enrolment with a join token, and what a node says under its own token.

import { Hono } from 'hono';
import { UPLINK_PROTOCOL } from '../../contract/frames.ts';
import { EnrollRequestSchema, type EnrollResponse } from '../../contract/node-api.ts';
import { problem } from '../../contract/problem.ts';
import { makeSecret, sha256 } from '../crypto.ts';
import { spellToken } from '../domain/credentials.ts';
import { intervalMs } from '../domain/interval.ts';
import { ttlSeconds } from '../domain/settings.ts';
import type { HubEnv } from '../env.ts';
import { requireNodeToken } from '../middleware/authentication.ts';
import { bodyText, jsonBody } from '../middleware/body.ts';
import { onlyMethods } from '../middleware/method.ts';
import { fleet, partRequest, shardFor, uplinkRequest } from '../objects/stubs.ts';
import { problemResponse } from '../problem-response.ts';
import { takeReport } from '../report.ts';

export const nodes = new Hono<HubEnv>();

nodes.post('/enroll', async (c) => {
  const body = await jsonBody(c, EnrollRequestSchema);
  if (!body.ok) return problemResponse(body.problem);
  const { node, join_token: joinToken } = body.value;
  const token = spellToken(node, makeSecret());
  const commandKey = makeSecret();
  const [joinHash, tokenHash] = await Promise.all([sha256(joinToken), sha256(token)]);
  const requestId = c.get('requestId');
  const enrolled = await fleet(c.env).enroll({ joinHash, node, tokenHash, commandKey, requestId });
  if (!enrolled.ok) return problemResponse(enrolled.problem);
  const ttl = ttlSeconds(c.env.ARW_RUNTIME_MATRIX_TTL_SEC);
  const answer: EnrollResponse = {
    node,
    token,
    ttl_seconds: ttl,
    interval_ms: intervalMs(ttl),
    command_key: commandKey,
  };
  return c.json(answer, 201);
});
// DELETE is not among them: a node may be called "enroll".
nodes.on(['GET', 'PUT', 'PATCH'], '/enroll', onlyMethods('POST'));

// Most reports take the quick way and never come here.
nodes.post('/:node/health', requireNodeToken, (c) =>
  takeReport(c.req.raw, c.env, {
    node: c.req.param('node'),
    tokenHash: c.get('tokenHash'),
    requestId: c.get('requestId'),
  }),
);
nodes.all('/:node/health', requireNodeToken, onlyMethods('POST'));

nodes.post('/:node/commands/:id', requireNodeToken, async (c) => {
  const body = await bodyText(c.req.raw);
  if (!body.ok) return problemResponse(body.problem);
  const { node, id } = c.req.param();
  const answer = await shardFor(c.env, node).progress(node, c.get('tokenHash'), id, body.value);
  return answer.ok ? c.body(null, 204) : problemResponse(answer.problem);
});
nodes.all('/:node/commands/:id', requireNodeToken, onlyMethods('POST'));

nodes.post('/:node/relays/:stream', requireNodeToken, (c) => {
  const { node, stream } = c.req.param();
  const part = partRequest({ node, tokenHash: c.get('tokenHash'), stream }, c.req.raw.body);
  return shardFor(c.env, node).fetch(part);
});
nodes.all('/:node/relays/:stream', requireNodeToken, onlyMethods('POST'));

nodes.get('/:node/uplink', requireNodeToken, async (c) => {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket' || !offersProtocol(c.req.header())) {
    const detail = `Open a WebSocket here with the subprotocol "${UPLINK_PROTOCOL}"`;
    return problemResponse(problem('upgrade-required', detail));
  }
  const node = c.req.param('node');
  return shardFor(c.env, node).fetch(uplinkRequest(node, c.get('tokenHash')));
});
nodes.all('/:node/uplink', requireNodeToken, onlyMethods('GET'));

function offersProtocol(headers: Record<string, string>): boolean {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
  return offered.includes(UPLINK_PROTOCOL);
}
