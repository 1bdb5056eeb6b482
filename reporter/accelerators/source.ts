// Owns the contract of a source of readings: started once, asked at every snapshot, never waited for.

import type { AcceleratorReading } from '../../contract/accelerator.ts';

export type AcceleratorSource = {
  start(): void;
  /** The latest readings, as of `nowMs`; empty where the host has none of this kind. */
  readings(nowMs: number): AcceleratorReading[];
  stop(): void;
};
