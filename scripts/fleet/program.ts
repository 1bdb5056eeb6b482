// Owns one program of ours as a child: started in a group of its own, ready when it says so, ended in good order.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export type ProgramOptions = {
  name: string;
  /** A TypeScript file or a built one, with its arguments. */
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** The program is ready when stdout says a line that this matches. */
  readyLine: RegExp;
  onLine?: (line: string) => void;
  /** Where its stderr goes: to ours, or nowhere but `onErrorLine`. */
  onErrorLine?: (line: string) => void;
};

/** The program ended before it was ready, or without being asked to. */
export class ProgramEnded extends Error {
  override readonly name = 'ProgramEnded';
  readonly exitCode: number;

  constructor(program: string, exitCode: number | null, signal: string | null) {
    super(`${program} ended (${signal ?? `exit code ${exitCode}`})`);
    this.exitCode = exitCode ?? 1;
  }
}

export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  /** Resolves with the match of `readyLine`. */
  readonly ready: Promise<RegExpMatchArray>;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<ProgramEnded>;

  constructor(options: ProgramOptions) {
    this.#name = options.name;
    this.#child = spawn(process.execPath, [...options.args], {
      env: options.env,
      // Not of our terminal's group: a Ctrl-C reaches us alone, and we end things in the right order.
      detached: true,
      stdio: ['ignore', 'pipe', options.onErrorLine === undefined ? 'inherit' : 'pipe'],
    });
    this.ended = once(this.#child, 'close').then(
      () => new ProgramEnded(options.name, this.#child.exitCode, this.#child.signalCode),
    );
    this.ready = new Promise((resolve, reject) => {
      this.#eachLine(this.#child.stdout, (line) => {
        options.onLine?.(line);
        const match = options.readyLine.exec(line);
        if (match) resolve(match);
      });
      void this.ended.then(reject);
    });
    // Whoever waits for `ready` hears of it; one who does not must not be torn down by it.
    this.ready.catch(() => undefined);
    this.#eachLine(this.#child.stderr, (line) => options.onErrorLine?.(line));
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#name} was not started`);
    return this.#child.pid;
  }

  /** SIGTERM; the programs of ours end within 10 s, so a later SIGKILL tells of a fault. */
  async stop(killAfterMs = 12_000): Promise<ProgramEnded> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.ended;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), killAfterMs);
    const ended = await this.ended;
    clearTimeout(timer);
    return ended;
  }

  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGINT'): void {
    this.#child.kill(signal);
  }

  #eachLine(stream: NodeJS.ReadableStream | null, callback: (line: string) => void): void {
    if (stream !== null) createInterface({ input: stream }).on('line', callback);
  }
}
