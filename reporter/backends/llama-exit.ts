// Owns the words for how a llama-server ended. Exit code 1 means many things; only its log tells them apart.

import type { Exit } from '../supervisor/state.ts';
import { describeExit, exitWords } from './exit-words.ts';

/** Order matters: the first that matches any of the last lines is told. */
const CAUSES: readonly { pattern: RegExp; words: string }[] = [
  {
    pattern: /couldn't bind|failed to bind|bind.*(failed|error)|address already in use/i,
    words: 'it could not bind its port',
  },
  {
    pattern:
      /error: invalid argument|unknown argument|expected value for argument|error while handling argument/i,
    words: 'its arguments are wrong',
  },
  { pattern: /failed to open GGUF file|No such file or directory/i, words: 'the model file is missing' },
  {
    pattern:
      /out of memory|cudaMalloc failed|failed to allocate|unable to allocate|bad_alloc|ErrorOutOfDeviceMemory/i,
    words: 'memory ran out',
  },
  {
    pattern: /invalid magic|failed to read magic|failed to load model|error loading model/i,
    words: 'the model could not be loaded',
  },
];

export function explainLlamaExit(exit: Exit, lastLines: readonly string[]): string {
  for (const { pattern, words } of CAUSES) {
    const line = lastLines.find((candidate) => pattern.test(candidate));
    if (line !== undefined) return `${exitWords(exit)}: ${words} (${withoutPrefix(line)})`;
  }
  return describeExit(exit, lastLines.map(withoutPrefix));
}

/** A log line without its clock and level: `0.00.006.147 E text` -> `text`. */
function withoutPrefix(line: string): string {
  return line.replace(/^\d+(\.\d+)+ [A-Z] /, '').trim();
}
