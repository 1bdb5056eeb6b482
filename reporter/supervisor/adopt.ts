// Owns a process that an earlier reporter started: recognizing it, watching for its end, signalling its group.

import { commandLineOf, startOf } from '../../system/process-identity.ts';
import { signalGroup, type Supervised } from './child.ts';
import type { RememberedChild } from './memory.ts';
import type { Exit } from './state.ts';

/** The system tells only a parent of a child's end; everybody else has to look. */
const LOOK_EVERY_MS = 200;

export type Recognition =
  | { kind: 'ours' }
  | { kind: 'gone' }
  /** It lives, but it is not what the manifest asks for: it is left alone and told of. */
  | { kind: 'different'; reason: string };

/**
 * Is the remembered child still that process, and is it what would be launched now?
 * @param asked the words by which it may be known, in the ways in which releases have put them.
 */
export async function recognize(
  child: RememberedChild,
  asked: readonly (readonly string[])[],
): Promise<Recognition> {
  if ((await startOf(child.pid)) !== child.start) return { kind: 'gone' };
  const runs = await commandLineOf(child.pid);
  if (runs === undefined) return { kind: 'gone' };
  // A script runs as its interpreter, so only the arguments at the end are ours to expect.
  const tail = child.args.length === 0 ? [] : runs.slice(-child.args.length);
  if (!sameWords(tail, child.args)) {
    return { kind: 'different', reason: 'it runs another command line than it was started with' };
  }
  const knownBy = child.asked ?? [child.command, ...child.args];
  if (!asked.some((words) => sameWords(knownBy, words))) {
    return { kind: 'different', reason: 'the manifest asks for another command line now' };
  }
  return { kind: 'ours' };
}

export class AdoptedChild implements Supervised {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #start: string;
  #ended = false;

  constructor(child: RememberedChild) {
    this.pid = child.pid;
    this.#start = child.start;
    this.exited = this.#watch();
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (!this.#ended) signalGroup(this.pid, signal);
  }

  async #watch(): Promise<Exit> {
    while ((await startOf(this.pid)) === this.#start) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    this.#ended = true;
    signalGroup(this.pid, 'SIGKILL');
    // Whoever was its parent got the exit code; nobody can ask for it again.
    return { code: null, signal: null, atMs: Date.now() };
  }
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, index) => word === b[index]);
}
