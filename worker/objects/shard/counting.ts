// Owns what a shard counts of the snapshots that come, since it woke.

import { noSnapshots, type ShardCounters } from '../../domain/counters.ts';
import type { IngestDecision } from '../../domain/ingest.ts';
import type { Transport } from '../store/shard-store.ts';

export class Counting {
  readonly #startedAt: number;
  readonly #snapshots = { socket: noSnapshots(), post: noSnapshots() };

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  took({ kind }: IngestDecision, transport: Transport): void {
    const counts = this.#snapshots[transport];
    switch (kind) {
      case 'accept':
        counts.accepted += 1;
        return;
      case 'duplicate':
        counts.duplicate += 1;
        return;
      case 'mismatch':
        counts.refused += 1;
        return;
      default:
        kind satisfies never;
    }
  }

  /** What came could not be read. */
  refused(transport: Transport): void {
    this.#snapshots[transport].refused += 1;
  }

  snapshots(): Pick<ShardCounters, 'startedAt' | 'snapshots'> {
    return { startedAt: this.#startedAt, snapshots: this.#snapshots };
  }
}
