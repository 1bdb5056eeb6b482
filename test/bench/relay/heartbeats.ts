// Owns whether a node's heartbeats come on time while it relays: the hub is asked every second when it last heard the node.

import * as v from 'valibot';
import { median } from '../result.ts';

const LOOK_MS = 1000;
const MatrixSchema = v.object({ items: v.record(v.string(), v.object({ received_at: v.string() })) });

export class Heartbeats {
  readonly #ask: () => Promise<Response>;
  readonly #heardMs: number[] = [];
  readonly #looks: NodeJS.Timeout;

  constructor(hub: string, token: string) {
    const headers = { authorization: `Bearer ${token}` };
    this.#ask = () => fetch(`${hub}/state/runtime_matrix?view=summary`, { headers });
    this.#looks = setInterval(() => void this.#look(), LOOK_MS);
  }

  /**
   * The pace that the hub gave this node, which it spreads by a tenth for each, and by how much the latest heartbeat
   * was behind it. @throws where fewer than two were seen.
   */
  stop(): { paceMs: number; latestMs: number; heard: number } {
    clearInterval(this.#looks);
    const gaps = this.#heardMs.slice(1).map((at, index) => at - (this.#heardMs[index] ?? at));
    if (gaps.length === 0) throw new Error('no two heartbeats of the node were seen');
    const paceMs = median(gaps, 0);
    return { paceMs, latestMs: Math.max(...gaps) - paceMs, heard: this.#heardMs.length };
  }

  async #look(): Promise<void> {
    // A look that is lost shows as a longer time, never as a shorter one.
    const matrix = await this.#ask()
      .then(async (answer) => v.parse(MatrixSchema, await answer.json()))
      .catch(() => undefined);
    const [item] = Object.values(matrix?.items ?? {});
    if (item === undefined) return;
    const at = Date.parse(item.received_at);
    if (at > (this.#heardMs.at(-1) ?? 0)) this.#heardMs.push(at);
  }
}
