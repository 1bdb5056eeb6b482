// Owns finding a port on loopback that nobody listens on.

import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below those that a system hands out by itself (from 32768 on, elsewhere from 49152 on): between this look and the use of
 * the port, nobody who asks for any port, and no connection, is given it.
 */
const FIRST = 20_000;
/** Processes that run beside each other have ids close to each other, and so have ports of their own. */
const PROCESSES = 50;
const PORTS_EACH = 200;
const TRIES = 100;

/** Each only once: whoever asked before may not listen yet. */
const given = new Set<number>();

/** `preferred` where it is free, else any. */
export async function freePort(preferred?: number): Promise<number> {
  let port = preferred ?? anyPort();
  for (let tried = 1; given.has(port) || !(await isFree(port)); tried += 1) {
    if (tried === TRIES) throw new Error(`none of ${TRIES} ports is free, the last of which was ${port}`);
    port = anyPort();
  }
  given.add(port);
  return port;
}

function anyPort(): number {
  return FIRST + (process.pid % PROCESSES) * PORTS_EACH + Math.floor(Math.random() * PORTS_EACH);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen({ host: '127.0.0.1', port });
  try {
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
