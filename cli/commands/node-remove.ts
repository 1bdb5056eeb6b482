// Owns `arw-cli node remove`: asks a person who can be asked, and nobody else.

import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import * as v from 'valibot';
import { NodeIdSchema } from '../../contract/ids.ts';
import { CliError, EXIT } from '../errors.ts';
import { askHub, expectDone, type Hub } from '../hub-client.ts';
import { print, printJson } from '../output.ts';

export async function nodeRemove(
  hub: Hub,
  node: string,
  options: { yes?: boolean; json?: boolean },
): Promise<void> {
  if (!v.safeParse(NodeIdSchema, node).success) {
    throw new CliError(EXIT.usage, `"${node}" is no name of a node; "arw-cli node list" has the names`);
  }
  if (options.yes !== true) {
    if (!process.stdin.isTTY) {
      throw new CliError(EXIT.usage, `nobody is here to confirm it: add --yes to remove node "${node}"`);
    }
    if (!(await isConfirmed(node, process.stdin, process.stderr))) {
      throw new CliError(EXIT.failed, `node "${node}" was not removed`);
    }
  }
  expectDone(hub, await askHub(hub, 'DELETE', `nodes/${encodeURIComponent(node)}`));
  if (options.json === true) return printJson({ removed: node });
  print(`node ${node} removed: its token is void, and its name is free for another join token`);
}

/** Anything but a clear yes is a no, the end of the input too. */
export async function isConfirmed(node: string, input: Readable, output: Writable): Promise<boolean> {
  const lines = createInterface({ input, output });
  try {
    const ended = new Promise<string>((resolve) => {
      lines.once('close', () => resolve(''));
    });
    const question =
      `Remove node "${node}"? Its token ends, its waiting commands are cancelled, and its host can report ` +
      'again only with a new join token; its runtimes go on serving. [y/N] ';
    const answer = await Promise.race([lines.question(question), ended]);
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    lines.close();
  }
}
