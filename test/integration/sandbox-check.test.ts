// Whether bubblewrap works on a host, told with what to do where it does not: programs that fail as it does.

import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tryBwrap } from '../../reporter/sandbox/bwrap-check.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MEND = 'sysctl kernel.apparmor_restrict_unprivileged_userns=0';

async function failingBwrap(
  restricted: string,
): Promise<{ program: string; mends: { file: string; forbids: string; mend: string }[] }> {
  const folder = await temporaryFolder();
  const program = join(folder, 'bwrap');
  await writeFile(program, '#!/bin/sh\necho "bwrap: setting up uid map: Permission denied" >&2\nexit 1\n');
  await chmod(program, 0o755);
  const file = join(folder, 'restrict_unprivileged_userns');
  await writeFile(file, `${restricted}\n`);
  return {
    program,
    mends: [
      { file: join(folder, 'none'), forbids: '1', mend: 'another' },
      { file, forbids: '1', mend: MEND },
    ],
  };
}

test('bubblewrap works here: without it the sandbox cannot be tested', async () => {
  expect(await tryBwrap('bwrap')).toBeUndefined();
});

test('it is missing', async () => {
  expect(await tryBwrap(join(await temporaryFolder(), 'bwrap'))).toBe(
    'Sandbox bwrap needs bubblewrap; install it (Debian: apt-get install bubblewrap)',
  );
});

test('the system forbids it by a setting, which is named', async () => {
  const { program, mends } = await failingBwrap('1');
  expect(await tryBwrap(program, mends)).toBe(
    `Sandbox bwrap is forbidden here (bwrap: setting up uid map: Permission denied); ${MEND}`,
  );
});

test('it fails for a reason that is not known', async () => {
  const { program, mends } = await failingBwrap('0');
  expect(await tryBwrap(program, mends)).toBe(
    'Sandbox bwrap does not work here (bwrap: setting up uid map: Permission denied); allow user namespaces to this user, or use sandbox container',
  );
});
