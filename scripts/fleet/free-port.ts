// Owns finding a port on loopback that nobody listens on.

import { once } from 'node:events';
import { createServer } from 'node:net';

/** `preferred` where it is free, else one that the system picks. */
export async function freePort(preferred = 0): Promise<number> {
  const server = createServer();
  server.listen({ host: '127.0.0.1', port: preferred });
  try {
    await once(server, 'listening');
  } catch (error) {
    if (preferred !== 0 && error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      return freePort();
    throw error;
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}
