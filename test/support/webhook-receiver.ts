// Owns a receiver of webhooks in tests: real HTTP, what came kept in order, answers as they are ordered.

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export type Received = { path: string; headers: IncomingHttpHeaders; body: string };

export class WebhookReceiver {
  readonly received: Received[] = [];
  /** The next answers; 200 where none is ordered. `hang` answers when `release` is called. */
  readonly orders: (number | 'hang')[] = [];
  readonly #held: ServerResponse[] = [];
  readonly #server = createServer((request, response) => {
    const take = (body: string): void => {
      this.received.push({ path: request.url ?? '', headers: request.headers, body });
      const order = this.orders.shift() ?? 200;
      if (order === 'hang') {
        this.#held.push(response);
        return;
      }
      const headers = order >= 300 && order < 400 ? { location: '/elsewhere' } : {};
      response.writeHead(order, headers).end(order === 200 ? 'ok' : 'no_such_channel');
    };
    // A hub that ends in the middle of a message has sent none.
    text(request).then(take, () => response.destroy());
  });

  static async listening(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    onTestFinished(() => {
      receiver.#server.closeAllConnections();
      receiver.#server.close();
    });
    return receiver;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
    return `http://127.0.0.1:${address.port}/hook/a-secret-path`;
  }

  release(): void {
    for (const response of this.#held.splice(0)) response.writeHead(200).end();
  }
}
