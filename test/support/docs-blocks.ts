// Owns the commands of the README and the docs as a test executes them: every fenced `sh` block of the text itself.
//
// A block is run to its end, unless a comment before it, which a reader does not see, says otherwise:
//
//   <!-- test: until "hub ready" -->         it goes on until told to end: run until it prints this, then Ctrl-C
//   <!-- test: on the host -->               run where a reporter runs, with its node, its manifest and its state
//   <!-- test: syntax, since REASON -->      it cannot run in a test: bash reads it, and the reason is given

import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export type How =
  | { kind: 'run' }
  | { kind: 'until'; text: string }
  | { kind: 'host' }
  | { kind: 'syntax'; reason: string };

/** `place` is `docs/cli.md:21`. */
export type Block = { place: string; text: string; how: How };

export async function docsBlocks(): Promise<Block[]> {
  const files: string[] = [];
  for await (const file of glob(['README.md', 'docs/**/*.md'], { cwd: ROOT })) files.push(file);
  files.sort();
  const blocks = await Promise.all(
    files.map(async (file) => blocksOf(file, await readFile(`${ROOT}/${file}`, 'utf8'))),
  );
  return blocks.flat();
}

/** @throws where a block has no end, or a comment says what nobody knows. */
export function blocksOf(file: string, text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let marker: string | undefined;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const [, said] = /^\s*<!-- test: (.+) -->\s*$/.exec(line) ?? [];
    if (said !== undefined) {
      if (marker !== undefined) throw new Error(`${file}:${at + 1}: no block follows the comment before`);
      marker = said;
    }
    const [, indent, language = ''] = /^(\s*)```(\w*)/.exec(line) ?? [];
    if (indent === undefined) continue;
    const begin = at;
    do at += 1;
    while (at < lines.length && lines[at]?.trim() !== '```');
    if (at === lines.length) throw new Error(`${file}:${begin + 1}: the block has no end`);
    const isShell = ['sh', 'bash', 'shell', 'console'].includes(language);
    if (!isShell && marker !== undefined)
      throw new Error(`${file}:${begin + 1}: the comment is of no block of sh`);
    if (!isShell) continue;
    const place = `${file}:${begin + 1}`;
    const body = lines.slice(begin + 1, at).map((inner) => inner.slice(indent.length));
    blocks.push({ place, text: `${body.join('\n')}\n`, how: howOf(marker, place) });
    marker = undefined;
  }
  if (marker !== undefined) throw new Error(`${file}: no block follows the last comment`);
  return blocks;
}

function howOf(marker: string | undefined, place: string): How {
  if (marker === undefined) return { kind: 'run' };
  if (marker === 'on the host') return { kind: 'host' };
  const [, text] = /^until "(.+)"$/.exec(marker) ?? [];
  if (text !== undefined) return { kind: 'until', text };
  const [, reason] = /^syntax, since (.{10,})$/.exec(marker) ?? [];
  if (reason !== undefined) return { kind: 'syntax', reason };
  throw new Error(`${place}: nobody knows how to "${marker}"; see test/support/docs-blocks.ts`);
}
