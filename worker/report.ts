// Owns how a snapshot by POST gets to its shard, and the quick way there: what almost every request to a hub is meets
// no router. The quick way takes only what the usual one would let pass; to everything else it says nothing.

import { sha256 } from './crypto.ts';
import { nodeOfToken } from './domain/credentials.ts';
import type { Env } from './env.ts';
import { bearerToken } from './middleware/authentication.ts';
import { bodyText } from './middleware/body.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './middleware/request-id.ts';
import { shardFor } from './objects/stubs.ts';
import { failureResponse, problemResponse } from './problem-response.ts';

/** `tokenHash` is that of a token for this node: only its shard can say whether it admits. */
export type Reporting = { node: string; tokenHash: string; requestId: string };

/** A report under the token of its own node, spelled as reporters spell it; undefined for every other request. */
export function quickReport(request: Request, env: Env): Promise<Response> | undefined {
  const { url } = request;
  if (request.method !== 'POST' || !url.endsWith('/health')) return undefined;
  const token = bearerToken(request);
  const node = token === undefined ? undefined : nodeOfToken(token);
  if (token === undefined || node === undefined) return undefined;
  const path = `/nodes/${node}/health`;
  // Behind the scheme and its two slashes the next one begins the path.
  if (url.indexOf('/', url.indexOf('//') + 2) !== url.length - path.length || !url.endsWith(path)) {
    return undefined;
  }
  return report(request, env, node, token);
}

async function report(request: Request, env: Env, node: string, token: string): Promise<Response> {
  const requestId = requestIdOf(request);
  try {
    return await takeReport(request, env, { node, tokenHash: await sha256(token), requestId });
  } catch (error) {
    return failureResponse(request, requestId, error, { [REQUEST_ID_HEADER]: requestId });
  }
}

/** Every answer has the request's id already: a header that is added later costs a second answer. */
export async function takeReport(
  request: Request,
  env: Env,
  { node, tokenHash, requestId }: Reporting,
): Promise<Response> {
  const told = { [REQUEST_ID_HEADER]: requestId };
  const body = await bodyText(request);
  if (!body.ok) return problemResponse(body.problem, told);
  const answer = await shardFor(env, node).health(node, tokenHash, body.value);
  if (!answer.ok) return problemResponse(answer.problem, told);
  return new Response(answer.value, { headers: { 'content-type': 'application/json', ...told } });
}
