// Owns one child process: how it is spawned in a group of its own, what it may inherit, how its group is signalled.

import { spawn, type ChildProcess } from 'node:child_process';
import type { SandboxKind } from '../../contract/words.ts';
import type { Exit } from './state.ts';
import { codeOf } from '../errors.ts';

export type LaunchSpec = {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  workdir: string | undefined;
  /**
   * What was asked for, where the command line also says how this host does it now; a later reporter adopts a child by
   * this then. Left out: the command line.
   */
  asked?: readonly string[];
  /** The sandbox that is around it; left out: none. */
  confinedIn?: SandboxKind;
};

/** Names a child must not inherit: our own secrets, and settings that would silently change a server. */
const NOT_INHERITED =
  /^(ARW_|LLAMA_ARG_|LLAMA_SERVER_ROUTER_PORT$|LLAMA_API_KEY$|VLLM_API_KEY$|NOTIFY_SOCKET$|WATCHDOG_)/;

/** A process under supervision: one that we started, or one that an earlier reporter did. */
export type Supervised = {
  readonly pid: number;
  /** Resolves once, when the process has ended. */
  readonly exited: Promise<Exit>;
  /** Signals the whole group; nothing happens once the process has ended. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
};

export class Child implements Supervised {
  readonly pid: number;
  /** Resolves once, when the process has ended; by then its group is gone too. */
  readonly exited: Promise<Exit>;
  #ended = false;

  private constructor(process: ChildProcess, pid: number) {
    this.pid = pid;
    this.exited = new Promise((resolve) => {
      process.once('exit', (code, signal) => {
        this.#ended = true;
        // What the leader leaves behind (a router's models) would keep ports and GPU memory.
        signalGroup(pid, 'SIGKILL');
        resolve({ code, signal, atMs: Date.now() });
      });
    });
  }

  /**
   * Spawns with output to an open file, so that the child neither depends on us nor blocks on a pipe.
   * @throws the error of `spawn`: ENOENT, EACCES and the like.
   */
  static spawn(spec: LaunchSpec, outputFd: number): Promise<Child> {
    return new Promise((resolve, reject) => {
      const process = spawn(spec.command, spec.args, {
        cwd: spec.workdir,
        env: childEnvironment(globalThis.process.env, spec.env),
        detached: true,
        stdio: ['ignore', outputFd, outputFd],
      });
      process.once('error', reject);
      process.once('spawn', () => {
        process.off('error', reject);
        // Later errors are of signalling only, and `signal` answers for those.
        process.on('error', () => undefined);
        if (process.pid === undefined) reject(new Error(`${spec.command} was spawned without a process id`));
        else resolve(new Child(process, process.pid));
      });
    });
  }

  /** Signals the whole group; nothing happens once the process has ended, since its id may be another's by then. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (!this.#ended) signalGroup(this.pid, signal);
  }
}

export function childEnvironment(
  inherited: Readonly<Record<string, string | undefined>>,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined && !NOT_INHERITED.test(name)) environment[name] = value;
  }
  return { ...environment, ...own };
}

export function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The group has ended already (some systems say EPERM of one that is only a zombie): what was wanted.
    if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error;
  }
}
