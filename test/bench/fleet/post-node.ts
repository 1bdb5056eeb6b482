// Owns a simulated node that reports by POST, over a connection that it shares with others.

import type { HealthResponse } from '../../../contract/node-api.ts';
import { sharedNowMs } from './clock.ts';
import type { Connection } from './connection.ts';
import type { Command } from './simulated-fleet.ts';
import type { SimulatedHost } from './simulated-host.ts';

export class PostNode {
  readonly host: SimulatedHost;
  readonly #token: string;
  readonly #onCommand: (command: Command) => void;

  constructor(host: SimulatedHost, token: string, onCommand: (command: Command) => void) {
    this.host = host;
    this.#token = token;
    this.#onCommand = onCommand;
  }

  /** @throws where the hub does not accept it. */
  async report(connection: Connection): Promise<void> {
    const { node } = this.host;
    const head = connection.head('POST', `/nodes/${node}/health`, {
      authorization: `Bearer ${this.#token}`,
      'content-type': 'application/json',
    });
    const { status, body } = await connection.ask(head, this.host.next(new Date().toISOString()));
    if (status !== 200) throw new Error(`the snapshot of ${node} was answered ${status}: ${body}`);
    if (body.includes('"commands":[]')) return;
    const atMs = sharedNowMs();
    const { commands }: HealthResponse = JSON.parse(body);
    for (const { id, kind } of commands) this.#onCommand({ node, id, kind, atMs });
  }
}
