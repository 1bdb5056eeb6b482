// Owns a way to a server that can be cut: a TCP forwarder on a port of its own, gone when the test is over.

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { freePort } from './engine-process.ts';

export class CuttableWay {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #port: number;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
  }

  static async to(target: URL): Promise<CuttableWay> {
    const server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        way.#open.add(one);
        // An end is passed on by `pipe`; a line that breaks takes the other with it.
        one.on('error', () => undefined);
        one.once('close', () => {
          way.#open.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    const way = new CuttableWay(server, await freePort());
    await way.open();
    onTestFinished(() => way.close());
    return way;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Breaks every line; new ones may come. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Breaks every line, and takes no new ones. */
  close(): void {
    this.#server.close();
    this.cut();
  }

  /** Takes new lines, on the port that it had. */
  async open(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }
}
