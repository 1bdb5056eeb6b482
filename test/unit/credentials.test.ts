// How a host proves who it is: what is kept, for whom, who may read it, and what is said where it cannot be used.

import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError } from '../../reporter/config.ts';
import { loadCredentials, saveCredentials, type Credentials } from '../../reporter/credentials.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HUB = new URL('https://hub.example/');
const KEPT: Credentials = { hub: HUB.href, node: 'gpu-01', token: 'secret', command_key: 'a2V5' };

test('where nothing is kept there is none', async () => {
  const folder = await temporaryFolder();
  expect(await loadCredentials(join(folder, 'not', 'there'), HUB, 'gpu-01')).toBeUndefined();
});

test('what is kept is found again', async () => {
  const folder = await temporaryFolder();
  await saveCredentials(folder, KEPT);
  expect(await loadCredentials(folder, HUB, 'gpu-01')).toEqual(KEPT);
});

test('is readable by this user alone, and no draft is left', async () => {
  const folder = join(await temporaryFolder(), 'state', 'gpu-01');
  await saveCredentials(folder, KEPT);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, 'credentials.json'))).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['credentials.json']);
});

test('another enrolment takes its place', async () => {
  const folder = await temporaryFolder();
  await saveCredentials(folder, KEPT);
  await saveCredentials(folder, { ...KEPT, token: 'another' });
  expect(await loadCredentials(folder, HUB, 'gpu-01')).toMatchObject({ token: 'another' });
});

test('of another hub is none: the node enrols there', async () => {
  const folder = await temporaryFolder();
  await saveCredentials(folder, KEPT);
  expect(await loadCredentials(folder, new URL('https://other.example/'), 'gpu-01')).toBeUndefined();
});

test('of another node is a fault: two nodes must not share a folder', async () => {
  const folder = await temporaryFolder();
  await saveCredentials(folder, KEPT);
  await expect(loadCredentials(folder, HUB, 'gpu-02')).rejects.toThrow(
    new ConfigError(
      `${join(folder, 'credentials.json')} belongs to node "gpu-01", not "gpu-02"; use another --state-dir`,
    ),
  );
});

test.each([
  '',
  '{"hub":',
  '[]',
  '{"hub":"https://hub.example/","node":"gpu-01","token":"","command_key":"x"}',
])('a damaged file %j is told as that, without what it holds', async (text) => {
  const folder = await temporaryFolder();
  const path = join(folder, 'credentials.json');
  await writeFile(path, text);
  await expect(loadCredentials(folder, HUB, 'gpu-01')).rejects.toThrow(
    new ConfigError(`${path} is damaged; remove it and enrol again with ARW_JOIN_TOKEN`),
  );
});

test('a file that cannot be read is told as that', async () => {
  const file = join(await temporaryFolder(), 'a-file');
  await writeFile(file, '');
  await expect(loadCredentials(file, HUB, 'gpu-01')).rejects.toThrow(
    /credentials\.json cannot be read \(ENOTDIR/,
  );
});
