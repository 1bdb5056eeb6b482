// Owns how often the object Fleet was asked what since it woke: what shows that nodes that report cost it nothing.

import type { FleetCounters } from '../domain/counters.ts';
import type { FleetRpc } from './rpc.ts';

export class CallCounts {
  readonly #startedAt: number;
  readonly #calls = new Map<string, number>();

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  add(call: keyof FleetRpc | 'alarm'): void {
    this.#calls.set(call, (this.#calls.get(call) ?? 0) + 1);
  }

  counters(): Omit<FleetCounters, 'alerts'> {
    return { startedAt: this.#startedAt, calls: Object.fromEntries(this.#calls) };
  }
}
