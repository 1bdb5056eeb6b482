// What a child wrote: where its launch begins, its last lines, and that a file does not grow for ever over launches.

import { appendFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { redactor } from '../../reporter/logs/redaction.ts';
import { RuntimeLog } from '../../reporter/supervisor/logs.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MIB = 1024 * 1024;

/** Opens as a launch does, and gives the file to nobody. */
async function launch(log: RuntimeLog): Promise<number> {
  const { file, startBytes } = await log.open();
  await file.close();
  return startBytes;
}

test('a file for each runtime, readable by this user alone', async () => {
  const folder = await temporaryFolder();
  const log = new RuntimeLog(folder, 'llama:70b', () => redactor([]));
  expect(await launch(log)).toBe(0);
  expect(log.path).toBe(join(folder, 'logs', 'llama_70b.log'));
  expect((await stat(log.path)).mode & 0o777).toBe(0o600);
});

test('the last lines of this launch, without blank ones and without those of the one before', async () => {
  const log = new RuntimeLog(await temporaryFolder(), 'a', () => redactor(['s3cret-value']));
  await launch(log);
  await appendFile(log.path, 'of the one before\n');
  const startBytes = await launch(log);
  await appendFile(log.path, 'one\n\n  \ntwo\nthree');
  expect(await log.tail(startBytes, 30)).toEqual(['one', 'two', 'three']);
  expect(await log.tail(startBytes, 2)).toEqual(['two', 'three']);
  expect(await log.tail(0, 30)).toHaveLength(4);
});

test('no line is told with a secret in it, nor one whose beginning was not read', async () => {
  const log = new RuntimeLog(await temporaryFolder(), 'a', () => redactor(['s3cret-value']));
  const startBytes = await launch(log);
  await appendFile(log.path, `--api-key ${'s3cret-value'.repeat(2_000)}\nkey s3cret-value\nend\n`);
  expect(await log.tail(startBytes, 30)).toEqual(['key [redacted]', 'end']);
});

test('of a long launch the end is read', async () => {
  const log = new RuntimeLog(await temporaryFolder(), 'a', () => redactor(['s3cret-value']));
  const startBytes = await launch(log);
  await appendFile(log.path, `${'x'.repeat(99)}\n`.repeat(10_000));
  await appendFile(log.path, 'the end\n');
  const lines = await log.tail(startBytes, 30);
  expect(lines).toHaveLength(30);
  expect(lines.at(-1)).toBe('the end');
});

test('a file that somebody cut short is no fault', async () => {
  const log = new RuntimeLog(await temporaryFolder(), 'a', () => redactor(['s3cret-value']));
  await launch(log);
  await appendFile(log.path, 'gone\n'.repeat(100));
  const startBytes = await launch(log);
  await truncate(log.path, 0);
  expect(await log.tail(startBytes, 30)).toEqual([]);
});

test('a large file makes room at the next launch', async () => {
  const log = new RuntimeLog(await temporaryFolder(), 'a', () => redactor(['s3cret-value']));
  await launch(log);
  await truncate(log.path, 8 * MIB);
  expect(await launch(log)).toBe(8 * MIB);
  await appendFile(log.path, 'x');
  await writeFile(`${log.path}.1`, 'of long ago');
  expect(await launch(log)).toBe(0);
  expect((await stat(`${log.path}.1`)).size).toBe(8 * MIB + 1);
});

test('word of its growth', async () => {
  const log = new RuntimeLog(await temporaryFolder(), 'a', () => redactor(['s3cret-value']));
  await launch(log);
  let grown = 0;
  const watcher = log.onGrowth(() => (grown += 1));
  await appendFile(log.path, 'x\n');
  await eventually('word of the growth', () => grown > 0);
  watcher.close();
  expect(grown).toBeGreaterThan(0);
});

test('a file that grows while its child runs is emptied under it, and the child goes on writing', async () => {
  const log = new RuntimeLog(await temporaryFolder(), 'a', () => redactor(['s3cret-value']));
  const { file, startBytes } = await log.open();
  await file.appendFile('x'.repeat(8 * MIB));
  await log.bound();
  expect((await stat(log.path)).size).toBe(8 * MIB);

  await file.appendFile('the last of the old\n');
  await log.bound();
  expect((await stat(log.path)).size).toBe(0);
  expect((await stat(`${log.path}.1`)).size).toBe(8 * MIB + 20);

  await file.appendFile('the first of the new\n');
  await file.close();
  expect(await log.tail(startBytes, 30)).toEqual(['the first of the new']);
  expect(await log.tail(9 * MIB, 30)).toEqual(['the first of the new']);
});
