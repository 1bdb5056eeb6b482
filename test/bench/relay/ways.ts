// Owns the two ways to an engine that the bench compares: straight to it, and through hub, uplink and gateway. Both ask the
// same of the same engine.

import type { Load } from '../gateway/ways.ts';
import type { Measured } from '../gateway/order.ts';

export const WAYS = ['direct', 'relayed'] as const;
export type Way = (typeof WAYS)[number];

/** What a chat is to be: `model` is the runtime's id on its node. */
export type Chat = { model: string; maxTokens: number; streams: number; requests: number };

export class Ways {
  readonly #load: Load;
  readonly #hub: string;
  readonly #token: string;
  readonly #ports: Readonly<Record<string, number>>;

  /** @param ports of the engines, by the ids of their runtimes. */
  constructor(load: Load, hub: string, token: string, ports: Readonly<Record<string, number>>) {
    this.#load = load;
    this.#hub = hub;
    this.#token = token;
    this.#ports = ports;
  }

  carryOut(way: Way, { model, maxTokens, streams, requests }: Chat): Promise<Measured> {
    if (way === 'direct') {
      const messages = [{ role: 'user', content: 'Say something.' }];
      return this.#load.carryOut({
        url: `http://127.0.0.1:${this.#ports[model]}/v1/chat/completions`,
        streams,
        requests,
        body: { model, messages, stream: true, max_tokens: maxTokens },
      });
    }
    return this.#load.carryOut({
      url: `${this.#hub}/actions`,
      headers: { authorization: `Bearer ${this.#token}`, accept: 'text/event-stream' },
      streams,
      requests,
      body: { kind: 'chat.respond', input: { prompt: 'Say something.', model, max_tokens: maxTokens } },
    });
  }
}

/** The other way goes first each round: what warms up or tires favours none. */
export function inTurns(round: number): readonly Way[] {
  return round % 2 === 0 ? WAYS : WAYS.toReversed();
}

export function perWay<T>(make: () => T): Record<Way, T> {
  return { direct: make(), relayed: make() };
}
