// What an installed program says on a Node that is too old for it, and that it runs on one that is not.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { launcherText } from '../../scripts/launcher.ts';
import { run, type Finished } from '../support/shell.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function launch(needed: string): Promise<Finished> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  // An import that no Node has fails before any line runs, as newer ones do on an older Node.
  const main = needed.startsWith('99') ? "import 'node:not-yet';\n" : '';
  await writeFile(
    join(folder, 'arw-x.main.js'),
    `${main}process.stdout.write(process.argv.slice(2).join(' '));\n`,
  );
  await writeFile(join(folder, 'arw-x.js'), launcherText('arw-x', 'arw-x.main.js', needed));
  return run(process.execPath, [join(folder, 'arw-x.js'), 'status', '--json']);
}

test('too old: one sentence and exit code 2', async () => {
  expect(await launch('99.1.0')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr:
      `arw-x: needs Node 99.1 or newer, and this is Node ${process.versions.node}; ` +
      'install a newer one (https://nodejs.org/en/download) and start it with that\n',
  });
});

test.each(['22.19.0', process.versions.node])(
  'new enough for %s: it runs with its arguments',
  async (needed) => {
    expect(await launch(needed)).toEqual({ exitCode: 0, stdout: 'status --json', stderr: '' });
  },
);
