// Owns the making of `runtime.health`: readings in, one payload out, numbered so that order and duplicates are decidable.

import type { AcceleratorReading } from '../../contract/accelerator.ts';
import { deriveNodeStatus, rollUp } from '../../contract/rollup.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Reason } from '../../contract/status.ts';
import type { Host, HttpTelemetry, Snapshot } from '../../contract/snapshot.ts';

export type Readings = {
  host: Host;
  records: RuntimeRecord[];
  accelerators: AcceleratorReading[];
  /** What the reporter has to say of itself, a manifest that was not applied for one. */
  own?: readonly Reason[];
  /** What the gateway saw; left out where it is off. */
  http?: HttpTelemetry | undefined;
};

export class SnapshotBuilder {
  readonly #node: string;
  readonly #bootId: string;
  readonly #version: string;
  #seq = 0;

  constructor(node: string, bootId: string, version: string) {
    this.#node = node;
    this.#bootId = bootId;
    this.#version = version;
  }

  /** The next one to be sent. */
  next(readings: Readings, intervalMs: number, nowMs: number): Snapshot {
    this.#seq += 1;
    return this.present(readings, intervalMs, nowMs);
  }

  /** What would be told now, under the number of the last one that was sent. */
  present(readings: Readings, intervalMs: number, nowMs: number): Snapshot {
    const generated = new Date(nowMs).toISOString();
    const { host, records, accelerators, http, own = [] } = readings;
    return {
      target: this.#node,
      generated,
      boot_id: this.#bootId,
      seq: this.#seq,
      reporter: { version: this.#version, interval_ms: intervalMs },
      host,
      status: deriveNodeStatus({ supervisorEnabled: true, records, http, own }),
      kernel: { enabled: true },
      ...(http && { http }),
      runtime: rollUp(records, generated),
      runtimes: records,
      ...(accelerators.length > 0 && { accelerators }),
    };
  }
}
