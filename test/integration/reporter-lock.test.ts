// One reporter for one state directory, whatever became of the one before.

import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockStateDir } from '../../reporter/lock.ts';
import { startOf } from '../../system/process-identity.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a second reporter is refused with the process of the first, and welcome after its end', async () => {
  const folder = await temporaryFolder();
  const release = await lockStateDir(folder);

  await expect(lockStateDir(folder)).rejects.toThrow(
    `another reporter (process ${process.pid}) runs on ${folder}; stop that one, or name another --state-dir`,
  );
  expect((await stat(join(folder, 'reporter.lock'))).mode & 0o777).toBe(0o600);

  await release();
  const again = await lockStateDir(folder);
  await again();
});

test.each([
  ['of a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, start: '1' })],
  ['of a number that another process has now', JSON.stringify({ pid: process.pid, start: '1' })],
  ['that was torn by a crash', '{"pid":'],
])('a lock %s is taken over', async (_what, text) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'reporter.lock'), text);

  const release = await lockStateDir(folder);

  const holder: unknown = JSON.parse(await readFile(join(folder, 'reporter.lock'), 'utf8'));
  expect(holder).toEqual({ pid: process.pid, start: await startOf(process.pid) });
  await release();
});

test('a state directory that cannot be made is a fault that says what to do', async () => {
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  await expect(lockStateDir(join(file, 'state'))).rejects.toThrow(
    /cannot be written .*; name another one with --state-dir$/,
  );
});
