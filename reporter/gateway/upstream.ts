// Owns the connections to the runtimes: one for each request.

import { Agent, request as requestPlain, type ClientRequest } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import type { Endpoint } from '../backends/backend.ts';

/**
 * A connection is used once. llama-server closes it after each streamed answer, although it announces
 * `Keep-Alive: timeout=5`; a request that meets such a close fails, and as nobody can tell whether it was read, it could
 * not be sent again. An idle connection would also hold one of llama-server's few HTTP threads. A new one costs a tenth
 * of a millisecond on loopback.
 */
const ONCE = { keepAlive: false };

const plain = new Agent(ONCE);
const tls = new TlsAgent(ONCE);

/**
 * A request to a runtime, of which nothing is written yet.
 * @param path as the client asked; it goes below the path that the endpoint itself has.
 */
export function openUpstream(
  endpoint: Endpoint,
  path: string,
  headers: Record<string, string | string[]>,
): ClientRequest {
  const { protocol, hostname, port, pathname } = new URL(endpoint.origin);
  const isTls = protocol === 'https:';
  return (isTls ? requestTls : requestPlain)({
    agent: isTls ? tls : plain,
    method: 'POST',
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: `${pathname.replace(/\/+$/, '')}${path}`,
    headers,
  });
}
