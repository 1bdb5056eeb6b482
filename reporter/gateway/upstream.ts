// Owns the connections to the runtimes: one for each request.

import { Agent, request as requestHttp, type ClientRequest } from 'node:http';
import type { Endpoint } from '../backends/backend.ts';

export type Upstream = {
  open(endpoint: Endpoint, path: string, headers: Record<string, string | string[]>): Promise<ClientRequest>;
  /** Ends every connection. */
  close(): void;
};

/**
 * A connection is used once. llama-server closes it after each streamed answer, although it announces
 * `Keep-Alive: timeout=5`; a request that meets such a close fails, and as nobody can tell whether it was read, it could
 * not be sent again. An idle connection would also hold one of llama-server's few HTTP threads. A new one costs a tenth
 * of a millisecond on loopback.
 */
const ONCE = { keepAlive: false };

export function openUpstream(): Upstream {
  const agent = new Agent(ONCE);
  let secure: { agent: Agent; request: typeof requestHttp } | undefined;
  return {
    async open(endpoint, path, headers) {
      const { protocol, hostname, port } = new URL(endpoint.origin);
      if (protocol === 'https:' && secure === undefined) {
        // Only a remote runtime needs it, and it costs memory.
        const https = await import('node:https');
        secure = { agent: new https.Agent(ONCE), request: https.request };
      }
      const way = protocol === 'https:' && secure ? secure : { agent, request: requestHttp };
      return way.request({
        agent: way.agent,
        method: 'POST',
        protocol,
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port,
        path,
        headers,
      });
    },
    close() {
      agent.destroy();
      secure?.agent.destroy();
    },
  };
}
