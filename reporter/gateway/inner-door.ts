// Owns the way from this process into its gateway: the one that listens, or, where an operator wants none, one without a
// port that the first request opens.

import type { Duplex } from 'node:stream';
import type { HttpTelemetry } from '../../contract/snapshot.ts';
import type { Gateway, GatewayOptions } from './gateway.ts';

/** How to ask at the gateway: connections to it, and the key that it wants. */
export type OpenDoor = { connect: () => Duplex; apiKey: string | undefined };

export class InnerDoor {
  readonly #listening: { gateway: Gateway; apiKey: string | undefined } | undefined;
  readonly #parts: Omit<GatewayOptions, 'settings'>;
  #closed: Gateway | undefined;

  /** @param listening the gateway of this host, where it has one. */
  constructor(
    listening: { gateway: Gateway; apiKey: string | undefined } | undefined,
    parts: Omit<GatewayOptions, 'settings'>,
  ) {
    this.#listening = listening;
    this.#parts = parts;
  }

  async door(): Promise<OpenDoor> {
    const { gateway, apiKey } = this.#listening ?? { gateway: await this.#opened(), apiKey: undefined };
    return { connect: () => gateway.connect(), apiKey };
  }

  /** What passed the door without a port; undefined where nothing ever did. */
  telemetry(): HttpTelemetry | undefined {
    return this.#closed?.telemetry();
  }

  /** Not loaded where nobody relays: an idle reporter is to stay small. */
  async #opened(): Promise<Gateway> {
    const { Gateway: Loaded } = await import('./gateway.ts');
    this.#closed ??= Loaded.closed({ ...this.#parts, settings: { port: 0, apiKey: undefined } });
    return this.#closed;
  }
}
