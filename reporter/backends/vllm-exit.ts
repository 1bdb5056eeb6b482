// Owns the words for how a vLLM server ended. It exits with 1 for everything; only its log tells the causes apart.

import type { Exit } from '../supervisor/state.ts';
import { describeExit, exitWords } from './exit-words.ts';

/**
 * The engine's own trace comes first, the server's ("Engine core initialization failed. See root cause above") last:
 * so many lines reach back to the cause.
 */
export const VLLM_EXIT_LINES = 200;

/** Order matters: the first that matches any of the last lines is told. */
const CAUSES: readonly { pattern: RegExp; words: string }[] = [
  { pattern: /address already in use/i, words: 'it could not bind its port' },
  {
    pattern: /error: (unrecognized arguments|argument |the following arguments|ambiguous option)/i,
    words: 'its arguments are wrong',
  },
  {
    pattern:
      /is not a local folder and is not a valid model identifier|Repository Not Found|Invalid repository ID|RepositoryNotFoundError|GatedRepoError/i,
    words: 'the model could not be found',
  },
  {
    pattern:
      /out of memory|OutOfMemoryError|No available memory for the cache blocks|Free memory on device .* is less than|larger than the maximum number of tokens that can be stored in KV cache|KV cache is needed, which is larger than/i,
    words: 'memory ran out',
  },
  {
    pattern:
      /No CUDA GPUs are available|Failed to infer device type|NVIDIA driver on your system is too old/i,
    words: 'there is no accelerator that it can use',
  },
];

/** `(EngineCore_DP0 pid=7) ERROR 11-23 01:02:03 [core.py:700] text` -> `text`. */
const PREFIX = /^(\([^)]*\) )?((INFO|WARNING|ERROR|CRITICAL|DEBUG) \d\d-\d\d [\d:.]+ \[[^\]]*\] ?)?/;
/** The last line of a Python trace. */
const RAISED = /^[A-Za-z_.]+(Error|Exception|Interrupt): /;
const CONSEQUENCE = /Engine core initialization failed|Engine process failed to start/;

export function explainVllmExit(exit: Exit, lastLines: readonly string[]): string {
  const lines = lastLines.map((line) => line.replace(PREFIX, '').trim()).filter((line) => line !== '');
  for (const { pattern, words } of CAUSES) {
    const line = lines.find((candidate) => pattern.test(candidate));
    if (line !== undefined) return `${exitWords(exit)}: ${words} (${line})`;
  }
  const raised = lines.findLast((line) => RAISED.test(line) && !CONSEQUENCE.test(line));
  return raised === undefined ? describeExit(exit, lines) : `${exitWords(exit)}: ${raised}`;
}
