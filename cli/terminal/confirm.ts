// Owns the question before something is removed: asks a person who can be asked, and nobody else.

import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { CliError, EXIT } from '../errors.ts';

/** @param cost what goes with it, in sentences. @throws CliError where nobody says yes. */
export async function confirm(what: string, cost: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new CliError(EXIT.usage, `nobody is here to confirm it: add --yes to remove ${what}`);
  }
  if (!(await isConfirmed(`Remove ${what}? ${cost} [y/N] `, process.stdin, process.stderr))) {
    throw new CliError(EXIT.failed, `${what} was not removed`);
  }
}

/** Anything but a clear yes is a no, the end of the input too. */
export async function isConfirmed(question: string, input: Readable, output: Writable): Promise<boolean> {
  const lines = createInterface({ input, output });
  try {
    const ended = new Promise<string>((resolve) => {
      lines.once('close', () => resolve(''));
    });
    const answer = await Promise.race([lines.question(question), ended]);
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    lines.close();
  }
}
