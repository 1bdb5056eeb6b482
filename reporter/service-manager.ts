// Owns what systemd hears of us: ready, reloading, stopping, proof of life. Elsewhere it does nothing.
//
// Node has no datagram sockets of the Unix kind, and packages that have are compiled on the host. `systemd-notify` comes
// with every systemd and waits until its message was understood, so it is run once a message; a unit lets it speak for
// us with NotifyAccess=all. Models do not get NOTIFY_SOCKET, so they cannot.

import { execFile } from 'node:child_process';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';

/** A systemd that takes longer has other worries than our words. */
const MESSAGE_WITHIN_MS = 5_000;

type Environment = Readonly<Record<string, string | undefined>>;

export class ServiceManager {
  readonly #env: Environment;
  readonly #log: Log;
  #sending: Promise<void> = Promise.resolve();
  #waiting = 0;
  #watchdog: NodeJS.Timeout | undefined;
  #failed = false;

  constructor(env: Environment, log: Log) {
    this.#env = env;
    this.#log = log;
  }

  /** Supervision has begun; from now on `alive` is asked for a status line, and a fault of it is a missing proof. */
  ready(alive: () => string): Promise<void> {
    const everyMs = watchdogIntervalMs(this.#env, process.pid);
    if (everyMs !== undefined && this.#watchdog === undefined) {
      this.#watchdog = setInterval(() => this.#prove(alive), everyMs);
    }
    return this.#send('READY=1', `STATUS=${alive()}`);
  }

  reloading(): Promise<void> {
    const nowUsec = process.hrtime.bigint() / 1_000n;
    return this.#send('RELOADING=1', `MONOTONIC_USEC=${nowUsec}`, 'STATUS=Reading the manifest again');
  }

  stopping(): Promise<void> {
    clearInterval(this.#watchdog);
    return this.#send('STOPPING=1', 'STATUS=Ending');
  }

  /** From the main loop: one that hangs sends nothing, and systemd starts another reporter, which adopts the models. */
  #prove(alive: () => string): void {
    if (this.#waiting > 0) return;
    try {
      void this.#send('WATCHDOG=1', `STATUS=${alive()}`);
    } catch (error) {
      this.#log.error(
        `supervision does not answer, so systemd is not told that it lives: ${messageOf(error)}`,
      );
    }
  }

  /** One message after the other, in order; resolves when it was taken or given up. */
  #send(...assignments: string[]): Promise<void> {
    if ((this.#env['NOTIFY_SOCKET'] ?? '') === '') return Promise.resolve();
    this.#waiting += 1;
    this.#sending = this.#sending.then(async () => {
      await this.#run(assignments);
      this.#waiting -= 1;
    });
    return this.#sending;
  }

  #run(assignments: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const options = { env: { ...this.#env }, timeout: MESSAGE_WITHIN_MS, killSignal: 'SIGKILL' as const };
      execFile('systemd-notify', assignments, options, (error) => {
        // Said once: the next message fails for the same reason.
        if (error !== null && !this.#failed) {
          const remedy = 'without it a unit of Type=notify is taken for one that does not start';
          this.#log.error(`systemd-notify fails (${messageOf(error).trim()}); ${remedy}`);
        }
        this.#failed = error !== null;
        resolve();
      });
    });
  }
}

/** Half of what the manager allows; undefined where it does not ask, or asks another process. */
export function watchdogIntervalMs(env: Environment, pid: number): number | undefined {
  const usec = Number(env['WATCHDOG_USEC']);
  const isOurs = env['WATCHDOG_PID'] === undefined || env['WATCHDOG_PID'] === String(pid);
  return Number.isFinite(usec) && usec > 0 && isOurs ? Math.max(1, Math.floor(usec / 2_000)) : undefined;
}
