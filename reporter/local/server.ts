// Owns the socket on which a running reporter answers its own user, and nobody else.

import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { messageOf } from '../errors.ts';
import type { LocalStatus } from './local-status.ts';

export class LocalServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** To be called by the holder of the state directory's lock alone: a socket that is there is nobody's. @throws the system's error */
  static async listen(path: string, status: () => LocalStatus): Promise<LocalServer> {
    await rm(path, { force: true });
    const server = createServer((request, response) => {
      if (request.method !== 'GET' || request.url !== '/status') {
        response.writeHead(404).end();
        return;
      }
      let text: string;
      try {
        text = JSON.stringify(status());
      } catch (error) {
        // Whoever asks must never be the reason why supervision ends.
        response.writeHead(500).end(messageOf(error));
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    });
    // The socket is made while `listen` runs: never open to others, not even for a moment.
    const mask = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(mask);
    }
    await once(server, 'listening');
    // Later ones are of single connections, and whoever asked sees them.
    server.on('error', () => undefined);
    await chmod(path, 0o600);
    // Whoever asks must not keep an ending reporter alive.
    server.unref();
    return new LocalServer(server);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
