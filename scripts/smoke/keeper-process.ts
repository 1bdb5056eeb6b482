// Owns the keeper's process as the suite sees it: started first, told of everything, asked to end it all.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { EndedSchema, type Ended, type Told } from './keeper-protocol.ts';

export class Keeper {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #said = '';

  constructor(run: string) {
    const program = fileURLToPath(new URL('./keeper.ts', import.meta.url));
    this.#child = spawn(process.execPath, [program, run], {
      // Its own group: what kills ours must not kill the one that cleans up.
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#closed = once(this.#child, 'close');
    // Told by `end`; a pipe that breaks before that says the same.
    this.#closed.catch(() => undefined);
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
  }

  tell(told: Told): void {
    this.#child.stdin?.write(`${JSON.stringify(told)}\n`);
  }

  /** Ends all that was told of. @throws Error where the keeper could not. */
  async end(): Promise<Ended> {
    this.#child.stdin?.end();
    await this.#closed;
    const ended = v.safeParse(EndedSchema, this.#said);
    if (ended.success) return ended.output;
    throw new Error(
      `the keeper of this run ended early (exit code ${this.#child.exitCode}): look for leftovers`,
    );
  }
}
