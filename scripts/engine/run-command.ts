/**
 * Owns how the installer runs other programs: no shell, a time limit, output captured, and a failure that
 * says in one line which program failed and why.
 */
import { execFile, type ExecFileException } from 'node:child_process';

export interface CommandOptions {
  timeoutMs: number;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

export interface CommandOutput {
  stdout: string;
  stderr: string;
}

/** A program could not be started, exited with another code than 0, or ran past its limit. */
export class CommandError extends Error {
  readonly notFound: boolean;

  constructor(message: string, { notFound, cause }: { notFound: boolean; cause: unknown }) {
    super(message, { cause });
    this.name = 'CommandError';
    this.notFound = notFound;
  }
}

/** apt's listings are the longest output that is read. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** The line that explains a failure: apt marks it with `E:`; other programs put it last. */
function tellingLine(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.find((line) => line.startsWith('E:')) ?? lines.at(-1) ?? 'it printed nothing';
}

/** Undefined if it ended by itself: then its output says why. */
function whyItFailed({ killed, signal }: ExecFileException, timeoutMs: number): string | undefined {
  if (killed) return `it was stopped after ${timeoutMs / 1000} s`;
  return signal ? `it was ended by ${signal}` : undefined;
}

export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandOutput> {
  const { timeoutMs, signal, ...spawnOptions } = options;
  return new Promise((resolve, reject) => {
    const limits = { timeout: timeoutMs, maxBuffer: MAX_OUTPUT_BYTES, ...(signal ? { signal } : {}) };
    execFile(file, args, { ...spawnOptions, ...limits, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (!error) {
        resolve({ stdout, stderr });
      } else if (signal?.aborted) {
        reject(error);
      } else if (error.code === 'ENOENT') {
        reject(new CommandError(`${file} is not there`, { notFound: true, cause: error }));
      } else {
        const why = whyItFailed(error, timeoutMs) ?? tellingLine(stderr || stdout);
        reject(new CommandError(`${file} failed: ${why}`, { notFound: false, cause: error }));
      }
    });
  });
}
