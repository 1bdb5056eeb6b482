// Owns `arw-cli node remove`.

import * as v from 'valibot';
import { NodeIdSchema } from '../../contract/ids.ts';
import { CliError, EXIT } from '../errors.ts';
import { askHub, expectDone, type Hub } from '../hub-client.ts';
import { print, printJson } from '../output.ts';
import { confirm } from '../terminal/confirm.ts';

export async function nodeRemove(
  hub: Hub,
  node: string,
  options: { yes?: boolean; json?: boolean },
): Promise<void> {
  if (!v.safeParse(NodeIdSchema, node).success) {
    throw new CliError(EXIT.usage, `"${node}" is no name of a node; "arw-cli node list" has the names`);
  }
  if (options.yes !== true) {
    await confirm(
      `node "${node}"`,
      'Its token ends, its waiting commands are cancelled, and its host can report again only with a new join ' +
        'token; its runtimes go on serving.',
    );
  }
  expectDone(hub, await askHub(hub, 'DELETE', `nodes/${encodeURIComponent(node)}`));
  if (options.json === true) return printJson({ removed: node });
  print(`node ${node} removed: its token is void, and its name is free for another join token`);
}
