/**
 * Owns how a test runs a llama-server, real or stub: start, wait for a line of its log, stop. Waits on events
 * only. A process that a test started is gone when the test is over.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

export { freePort } from '../../scripts/fleet/free-port.ts';

export interface EngineExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface EngineProcess {
  /** Resolves with the first line of its log, seen already or to come, that holds `text`; rejects at its end. */
  line(text: string): Promise<string>;
  /** Resolves with the address once it listens. */
  ready(): Promise<string>;
  log(): string;
  kill(signal: NodeJS.Signals): void;
  exited: Promise<EngineExit>;
}

/** Starts the program; when the current test finishes it is killed, and its end waited for. */
export function startEngine(command: string, args: readonly string[]): EngineProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    for (const listener of waiting) listener(line);
  });
  // `close`, not `exit`: by then the last line of the log has arrived.
  const exited = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode }));

  const line = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const seen = lines.find((candidate) => candidate.includes(text));
      if (seen !== undefined) return resolve(seen);
      waiting.add((next) => {
        if (next.includes(text)) resolve(next);
      });
      const missing = (): void =>
        reject(new Error(`it ended without the line "${text}":\n${lines.join('\n')}`));
      exited.then(missing, reject);
    });

  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return {
    line,
    async ready() {
      const address = /listening on (http:\S+)/.exec(await line('listening on http://'))?.[1];
      if (address === undefined) throw new Error('the line that tells readiness has no address');
      return address;
    },
    log: () => lines.join('\n'),
    kill: (signal) => void child.kill(signal),
    exited,
  };
}
