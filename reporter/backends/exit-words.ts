// Owns the sentence about how a process ended, from its exit alone; a backend adds what its log tells.

import { constants } from 'node:os';
import type { Exit } from '../supervisor/state.ts';

const SIGNAL_WORDS: Record<string, string> = {
  SIGKILL: 'killed (SIGKILL: by hand, or by the kernel when memory ran out)',
  SIGSEGV: 'crashed (SIGSEGV: a fault in the program or a driver)',
  SIGABRT: 'aborted (SIGABRT: the program gave up)',
  SIGBUS: 'crashed (SIGBUS: a file it had mapped changed or its disk failed)',
  SIGILL: 'crashed (SIGILL: the binary is built for another CPU)',
};

/** `lastLines` ends the sentence with the last thing that was said, where something was. */
export function describeExit(exit: Exit, lastLines: readonly string[]): string {
  const last = lastLines.at(-1);
  return last === undefined ? exitWords(exit) : `${exitWords(exit)}: ${last.trim()}`;
}

export function exitWords(exit: Exit): string {
  if (exit.code === null && exit.signal === null) {
    return 'Process ended (how is not known: an earlier reporter had started it)';
  }
  const signal = exit.signal ?? signalOfCode(exit.code);
  if (signal !== undefined) return `Process ${SIGNAL_WORDS[signal] ?? `ended by ${signal}`}`;
  return exit.code === 0
    ? 'Process ended by itself (exit code 0)'
    : `Process failed (exit code ${exit.code})`;
}

/** A shell in between reports a signal as 128 + its number. */
function signalOfCode(code: number | null): string | undefined {
  if (code === null || code <= 128) return undefined;
  return Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
}
