// Owns the doubt whether it is a starting child that answers on its port, or a stranger that took the port before it.

import { foreignListener, type Listener } from '../../system/listeners.ts';
import type { Observation } from './state.ts';

/** While a model loads it is looked at ten times a second; who listens may take a look at every process of the host. */
const KNOWN_FOR_MS = 1_000;

export class PortOwner {
  #known: { pid: number; atMs: number; stranger: Listener | undefined } | undefined;

  /** What was seen at `origin`, unless a stranger was seen there: a child that nobody has heard yet is still loading. */
  async confirm(seen: Observation, origin: string, pid: number, nowMs: number): Promise<Observation> {
    if (seen.kind === 'failing') return seen;
    const { hostname, port, protocol } = new URL(origin);
    const number = Number(port || (protocol === 'https:' ? 443 : 80));
    if (this.#known?.pid !== pid || nowMs - this.#known.atMs >= KNOWN_FOR_MS) {
      const stranger = await foreignListener(hostname.replace(/^\[|\]$/g, ''), number, pid);
      this.#known = { pid, atMs: nowMs, stranger };
    }
    const { stranger } = this.#known;
    if (stranger === undefined) return seen;
    const who = `process ${stranger.pid} (${stranger.program})`;
    return { kind: 'loading', detail: `Port ${number} is answered by ${who}, not by this runtime` };
  }
}
