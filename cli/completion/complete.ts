// Owns the answer to a shell that asks what may come next: a line for each candidate, its value and what it is.

import type { Command } from 'commander';
import { print, withoutControl } from '../output.ts';
import { wanted } from './candidates.ts';
import { known } from './known.ts';

/** The word with which the scripts call this program back. */
export const COMPLETE = '__complete';

/** Says nothing where nothing is known: a shell shows faults in the middle of a command line. */
export async function complete(program: Command, words: readonly string[]): Promise<void> {
  const { candidates, source, given, lead = '' } = wanted(program, words);
  const typed = (words.at(-1) ?? '').slice(lead.length);
  const more = source === undefined ? [] : await known(source, given, process.env).catch(() => []);
  const lines = [...candidates, ...more.filter(({ value }) => value.startsWith(typed))].map(
    ({ value, words: about }) => `${lead}${flat(value)}\t${flat(about)}`,
  );
  if (lines.length > 0) print(lines.join('\n'));
}

function flat(text: string): string {
  return withoutControl(text.replaceAll(/[\n\t]/g, ' '));
}
