// Owns `arw-cli alert remove`.

import { askHub, expectDone, type Hub } from '../hub-client.ts';
import { print, printJson } from '../output.ts';
import { confirm } from '../terminal/confirm.ts';
import { alertPath } from './alert-list.ts';

export async function alertRemove(
  hub: Hub,
  id: string,
  options: { yes?: boolean; json?: boolean },
): Promise<void> {
  if (options.yes !== true) {
    await confirm(
      `alert "${id}"`,
      'It tells nothing more, not even that a problem is over, and its URL is forgotten; ' +
        `"arw-cli alert set ${id} --disable" keeps it.`,
    );
  }
  expectDone(hub, await askHub(hub, 'DELETE', alertPath(id)));
  if (options.json === true) return printJson({ removed: id });
  print(`alert ${id} removed`);
}
