// Owns the words for how a whisper-server ended. Wrong arguments end it with 0: only its log tells that it failed.

import type { Exit } from '../supervisor/state.ts';
import { describeExit, exitWords } from './exit-words.ts';

/** It prints its whole usage, over a hundred lines, after the one that matters. */
export const WHISPER_EXIT_LINES = 200;

/** Order matters: the first that matches any of the last lines is told. */
const CAUSES: readonly { pattern: RegExp; words: string }[] = [
  { pattern: /couldn't bind to server socket/i, words: 'it could not bind its port' },
  {
    pattern:
      /error: (unknown argument|unknown language|unknown DTW preset|cannot use both|ffmpeg is not found)/i,
    words: 'its arguments are wrong',
  },
  { pattern: /failed to open '/i, words: 'the model file is missing' },
  {
    pattern: /out of memory|cudaMalloc failed|failed to allocate|bad_alloc|ErrorOutOfDeviceMemory/i,
    words: 'memory ran out',
  },
  {
    pattern:
      /invalid model data|invalid model \(|wrong (size|shape) in model file|unknown tensor|not all tensors/i,
    words: 'the model could not be loaded',
  },
  {
    pattern: /failed to load model|failed to initialize whisper context/i,
    words: 'the model could not be loaded',
  },
];

export function explainWhisperExit(exit: Exit, lastLines: readonly string[]): string {
  for (const { pattern, words } of CAUSES) {
    const line = lastLines.find((candidate) => pattern.test(candidate));
    if (line !== undefined) return `${exitWords(exit)}: ${words} (${line.trim()})`;
  }
  return describeExit(exit, lastLines);
}
