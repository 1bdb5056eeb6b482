// Owns the words for how a llama-server ended. Exit code 1 means many things; only its log tells them apart.

import type { Exit } from '../supervisor/state.ts';
import { describeExit, exitWords } from './exit-words.ts';

type Cause = {
  pattern: RegExp;
  words: string;
  /** Another line that must be there: what is only a warning elsewhere. */
  with?: RegExp;
};

const LOAD_FAILED = /exiting due to model loading error|failed to load model/;
const DEVICE = '(?:cuda|hip|rocm|vulkan|metal|sycl|cann|musa|opencl)';

/** Order matters: the first that matches any of the last lines is told. */
const CAUSES: readonly Cause[] = [
  { pattern: /couldn't bind|failed to bind|address already in use/i, words: 'it could not bind its port' },
  {
    pattern:
      /^error: (?:invalid|unknown) argument|error while handling argument|expected value for argument/i,
    words: 'its arguments are wrong',
  },
  {
    pattern: /failed to initialize router models/,
    words: 'the folder or the preset file of its models cannot be used',
  },
  {
    pattern: new RegExp(
      `${DEVICE}.*(?:out of memory|failed to allocate|alloc failed)|${DEVICE}malloc.*failed|OutOfDeviceMemory`,
      'i',
    ),
    words: 'GPU memory ran out',
  },
  {
    pattern:
      /out of memory|insufficient memory|failed to allocate|unable to allocate|bad_alloc|cannot allocate/i,
    words: 'memory ran out',
  },
  {
    pattern: /not within the file bounds|corrupted or incomplete/,
    words: 'the model file is incomplete or damaged',
  },
  {
    pattern: /unknown (?:model )?architecture/,
    words: 'this build does not know the architecture of the model',
  },
  {
    pattern: /invalid magic|failed to read magic/,
    words: 'the model file is no GGUF file',
    with: LOAD_FAILED,
  },
  { pattern: /error loading model:|failed to load model/, words: 'the model could not be loaded' },
  { pattern: /exiting due to model loading error/, words: 'the model could not be loaded' },
];

/** As llama-server words a file that it cannot open; the name is the first group, the reason the second. */
const UNOPENED =
  /failed to open (?:GGUF file )?'([^']+)'\)?[: (]+(No such file or directory|Permission denied)/;
const MODEL = /load_model: (?:loading|failed to load) model,? '([^']+)'/;
/** A router passes on what its models write, each line with the port of its model: not what ended the router. */
const OF_A_MODEL = /^\[\d+\] /;
/** Whoever sends these ends a sound server, whatever it once complained of. */
const SENT_FROM_OUTSIDE: ReadonlySet<string | null> = new Set(['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGHUP']);

export function explainLlamaExit(exit: Exit, lastLines: readonly string[]): string {
  const lines = lastLines.filter((line) => !OF_A_MODEL.test(line)).map(withoutPrefix);
  const said = exit.code === 0 || SENT_FROM_OUTSIDE.has(exit.signal) ? undefined : causeIn(lines);
  return said === undefined ? describeExit(exit, lines) : `${exitWords(exit)}: ${said}`;
}

function causeIn(lines: readonly string[]): string | undefined {
  return unopenedFile(lines) ?? knownCause(lines);
}

function knownCause(lines: readonly string[]): string | undefined {
  for (const { pattern, words, with: other } of CAUSES) {
    const line = lines.find((candidate) => pattern.test(candidate));
    const holds = other === undefined || lines.some((candidate) => other.test(candidate));
    if (line !== undefined && holds) return `${words} (${line})`;
  }
  return undefined;
}

/** A model has companions (adapters, projectors): which file it is that is missing decides what is to be done. */
function unopenedFile(lines: readonly string[]): string | undefined {
  if (!lines.some((line) => LOAD_FAILED.test(line))) return undefined;
  const model = lines.map((line) => MODEL.exec(line)?.[1]).find((found) => found !== undefined);
  for (const line of lines) {
    const [, file, reason] = UNOPENED.exec(line) ?? [];
    if (file === undefined) continue;
    const what = file === model ? 'the model file' : 'a file beside the model';
    const words = reason === 'Permission denied' ? 'may not be read by this user' : 'is missing';
    return `${what} ${words} (${line})`;
  }
  return undefined;
}

/** A log line without its clock and level: `0.00.006.147 E text` -> `text`. */
function withoutPrefix(line: string): string {
  return line.replace(/^\d+(\.\d+)+ [A-Z] /, '').trim();
}
