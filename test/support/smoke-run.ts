// Owns a smoke suite under test: started as a user or CI starts it, its lines, its end, and what is left of it.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { markedProcesses } from '../../scripts/smoke/marked-processes.ts';
import { eventually } from './eventually.ts';

const MAIN = fileURLToPath(new URL('../../scripts/smoke/main.ts', import.meta.url));
/** What the terminal of whoever runs the tests may be set up for. */
const OWN_VARIABLES = new Set([
  'MODE',
  'ARW_SMOKE_MODE',
  'VISION_SMOKE_ROOT',
  'LLAMA_SERVER_ARGS',
  'LLAMA_SERVER_PORT',
  'npm_lifecycle_event',
]);
/** Far more than it takes, far less than a test is given. */
const GUARD_SECONDS = '60';

export class SmokeRun {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  private constructor(command: string, args: readonly string[], env: Record<string, string>) {
    const inherited = Object.entries(process.env).filter(([name]) => !OWN_VARIABLES.has(name));
    this.#child = spawn(command, args, {
      // Its own group, as under a terminal.
      detached: true,
      env: { ...Object.fromEntries(inherited), RUNTIME_SMOKE_TIMEOUT_SECS: GUARD_SECONDS, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#closed = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.lines.push(line));
    }
    onTestFinished(async () => {
      if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
      await this.nothingLeft();
      // A folder that was given is the test's own.
      if (this.folder.includes('/.smoke/')) await rm(this.folder, { recursive: true, force: true });
    });
  }

  static direct(suite: 'runtime' | 'vision', env: Record<string, string> = {}): SmokeRun {
    return new SmokeRun(process.execPath, [MAIN, suite], env);
  }

  static npm(script: string, env: Record<string, string> = {}): SmokeRun {
    return new SmokeRun('npm', ['run', '-s', script], env);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get output(): string {
    return this.lines.join('\n');
  }

  get id(): string {
    return /: run (\S+) in /.exec(this.output)?.[1] ?? '';
  }

  get folder(): string {
    return /: run \S+ in (.+)$/m.exec(this.output)?.[1] ?? '/nonexistent';
  }

  /** Resolves once a line is as wanted. */
  async said(wanted: RegExp): Promise<void> {
    await eventually(`a line like ${String(wanted)}`, () => wanted.test(this.output), 30_000);
  }

  /** Its exit code, or the signal that killed it. */
  async end(): Promise<number | string | null> {
    await this.#closed;
    return this.#child.signalCode ?? this.#child.exitCode;
  }

  /** Resolves when no process of the run is there any more, in whichever group and under whichever parent. */
  async nothingLeft(): Promise<void> {
    const { id } = this;
    if (id === '') return;
    await eventually('no process of the run', async () => (await markedProcesses(id)).length === 0, 20_000);
  }
}
