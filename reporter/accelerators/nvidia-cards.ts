// Owns what is known of the NVIDIA cards from the lines heard so far: fresh, silent, or fallen off the bus. Pure.

import type { AcceleratorReading } from '../../contract/accelerator.ts';
import { spokenLine } from '../../contract/status.ts';
import type { NvidiaLine } from './nvidia-smi.ts';

type Card = { reading: AcceleratorReading; heardAtMs: number };

export class NvidiaCards {
  readonly #cards = new Map<string, Card>();
  #heardAtMs: number | undefined;
  #fault: { message: string; atMs: number } | undefined;

  hear(line: NvidiaLine, nowMs: number): void {
    switch (line.kind) {
      case 'gpu':
        this.#cards.set(line.reading.id, { reading: line.reading, heardAtMs: nowMs });
        this.#heardAtMs = nowMs;
        return;
      case 'fault':
        this.#fault = { message: line.message, atMs: nowMs };
        return;
      case 'nothing':
        return;
      default:
        return line satisfies never;
    }
  }

  /** When any card was last heard; undefined before the first. */
  get heardAtMs(): number | undefined {
    return this.#heardAtMs;
  }

  /**
   * Every card that was ever heard. One that is silent for longer than `silentAfterMs` is degraded, says why, and
   * keeps only what does not change: figures that may have moved are unknown.
   */
  readings(nowMs: number, silentAfterMs: number): AcceleratorReading[] {
    return Array.from(this.#cards.values(), ({ reading, heardAtMs }) => {
      const silentMs = nowMs - heardAtMs;
      if (silentMs <= silentAfterMs) return reading;
      const othersAnswer = this.#heardAtMs !== undefined && nowMs - this.#heardAtMs <= silentAfterMs;
      const fault =
        this.#fault !== undefined && this.#fault.atMs >= heardAtMs ? this.#fault.message : undefined;
      const seconds = Math.round(silentMs / 1000);
      const reason = othersAnswer
        ? `The driver has not listed this card for ${seconds} s: it may have fallen off the bus`
        : `nvidia-smi has not answered for ${seconds} s`;
      const { id, kind, accelerator, label, name, memory_total_bytes, driver } = reading;
      return {
        id,
        kind,
        accelerator,
        label,
        name,
        state: 'degraded' as const,
        detail: [reason, ...(fault === undefined ? [] : [spokenLine(`nvidia-smi says: ${fault}`)])],
        ...(memory_total_bytes !== undefined && { memory_total_bytes }),
        ...(driver !== undefined && { driver }),
      };
    });
  }
}
