// Owns the address that a hub serves on: how it is spelled, and whether somebody else has it.

import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import { EXIT, HubError, isSystemError } from './hub-error.ts';

export type Address = { host: string; port: number };

/** `127.0.0.1:8787`, `[::1]:8787` */
export function spell({ host, port }: Address): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** @throws HubError where the address is taken or is none of this machine. */
export async function checkFree(address: Address): Promise<void> {
  const server = createServer();
  server.listen({ ...address, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    if (isSystemError(error, 'EADDRINUSE')) throw portInUse(address, error);
    const reason = error instanceof Error ? error.message : String(error);
    throw new HubError(EXIT.refused, `cannot listen on ${spell(address)}: ${reason}`, { cause: error });
  }
  server.close();
  await once(server, 'close');
}

export function portInUse(address: Address, cause?: unknown): HubError {
  const message = `port ${address.port} on ${address.host} is in use: stop what listens there, or give another --port`;
  return new HubError(EXIT.portInUse, message, { cause });
}
