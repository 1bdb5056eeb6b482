// Owns why a suite ends before its steps do: a signal, the guard, or the death of the npm that started it.

import { readFileSync } from 'node:fs';
import { EXIT } from './exit-codes.ts';

const LOOK_EVERY_MS = 250;

/** Ends the run; `exitCode` is the suite's. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Aborted with an `Interrupted` as its reason. */
export function watchForEnd(timeoutSeconds: number | undefined): AbortSignal {
  const ending = new AbortController();
  const end = (message: string, exitCode: number): void => ending.abort(new Interrupted(message, exitCode));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => end(`ended by ${signal}`, EXIT[signal]));
  }
  if (timeoutSeconds !== undefined) {
    setTimeout(
      () =>
        end(
          `not done within ${timeoutSeconds} s; RUNTIME_SMOKE_TIMEOUT_SECS gives it longer, 0 for ever`,
          EXIT.timedOut,
        ),
      timeoutSeconds * 1000,
    ).unref();
  }
  // npm passes signals on, but not a SIGKILL: whoever has lost it has another ancestor there.
  if (process.env['npm_lifecycle_event'] !== undefined) {
    const npm = npmAbove();
    setInterval(() => {
      if (npmAbove() !== npm) end('npm is gone', EXIT.SIGHUP);
    }, LOOK_EVERY_MS).unref();
  }
  return ending.signal;
}

/** The process that runs this script: our parent, or its parent where a shell is between that did not make way. */
function npmAbove(): number {
  try {
    const [, flag] = readFileSync(`/proc/${process.ppid}/cmdline`, 'utf8').split('\0');
    if (flag !== '-c') return process.ppid;
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    // The name in brackets may hold spaces: the fields are counted from its end.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // No /proc, or a parent that ends at this moment.
    return process.ppid;
  }
}
