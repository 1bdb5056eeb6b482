// The memory of carried-out commands: what was written is known after a restart, whatever ended the one before.

import { appendFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { CommandJournal } from '../../reporter/uplink/journal.ts';
import type { Outcome } from '../../reporter/supervisor/state.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const T0 = Date.parse('2026-11-22T12:00:00.000Z');
const HOUR_MS = 3_600_000;
const DONE: Outcome = { ok: true, result: { state: 'ready', pid: 7 } };
const FAILED: Outcome = { ok: false, error: { reason: 'blocked', message: 'Port 8080 is in use' } };

async function open(folder: string, nowMs = T0): Promise<CommandJournal> {
  const journal = await CommandJournal.open(folder, nowMs);
  onTestFinished(() => journal.close());
  return journal;
}

const fileOf = (folder: string): string => join(folder, 'commands.ndjson');

test('what was never seen is undefined', async () => {
  expect((await open(await temporaryFolder())).find('a')).toBeUndefined();
});

test('a command is begun, then done', async () => {
  const journal = await open(await temporaryFolder());
  const beginning = journal.begin('a', T0);
  // At once: the same command, sent twice in a row, must not begin twice.
  expect(journal.find('a')).toBe('begun');
  await beginning;
  await journal.finish('a', DONE, T0);
  expect(journal.find('a')).toEqual(DONE);
});

test('outcomes are there after a restart', async () => {
  const folder = await temporaryFolder();
  const before = await open(folder);
  await before.begin('a', T0);
  await before.finish('a', DONE, T0);
  await before.begin('b', T0);
  await before.finish('b', FAILED, T0);

  const after = await open(folder, T0 + HOUR_MS);
  expect(after.find('a')).toEqual(DONE);
  expect(after.find('b')).toEqual(FAILED);
});

test('what was under way is called interrupted after a restart, and stays so', async () => {
  const folder = await temporaryFolder();
  await (await open(folder)).begin('a', T0);
  const interrupted = (await open(folder)).find('a');
  expect(interrupted).toMatchObject({ ok: false, error: { reason: 'interrupted' } });
  expect((await open(folder)).find('a')).toEqual(interrupted);
});

test('a last line that was cut short tells nothing, and spoils nothing', async () => {
  const folder = await temporaryFolder();
  const before = await open(folder);
  await before.begin('a', T0);
  await before.finish('a', DONE, T0);
  await appendFile(fileOf(folder), `{"id":"b","at":${T0},"ev`);

  const after = await open(folder);
  expect(after.find('a')).toEqual(DONE);
  expect(after.find('b')).toBeUndefined();
  await after.begin('c', T0);
  expect((await open(folder)).find('c')).toMatchObject({ ok: false, error: { reason: 'interrupted' } });
});

test('what a full disk left of one line does not swallow the next', async () => {
  const folder = await temporaryFolder();
  const before = await open(folder);
  await appendFile(fileOf(folder), `{"id":"a","at":${T0},"ev`);
  await before.begin('b', T0);
  expect((await open(folder)).find('b')).toMatchObject({ ok: false, error: { reason: 'interrupted' } });
});

test.each(['{}', '"text"', 'null', '{"id":"a","at":1,"event":"forgotten"}', ' '])(
  'a line %s is passed over',
  async (line) => {
    const folder = await temporaryFolder();
    const entry = { id: 'a', at: T0, event: 'done', outcome: DONE };
    await writeFile(fileOf(folder), `${line}\n${JSON.stringify(entry)}\n`);
    expect((await open(folder)).find('a')).toEqual(DONE);
  },
);

test('what is older than two days is forgotten, and its lines are gone', async () => {
  const folder = await temporaryFolder();
  const before = await open(folder);
  await before.begin('old', T0);
  await before.finish('old', DONE, T0);
  await before.begin('new', T0 + HOUR_MS);
  await before.finish('new', DONE, T0 + HOUR_MS);

  const after = await open(folder, T0 + 48 * HOUR_MS);
  expect(after.find('old')).toBeUndefined();
  expect(after.find('new')).toEqual(DONE);
  expect((await readFile(fileOf(folder), 'utf8')).trim().split('\n')).toHaveLength(1);
});

test('only this user can read it', async () => {
  const folder = join(await temporaryFolder(), 'state');
  await (await open(folder)).begin('a', T0);
  expect((await stat(fileOf(folder))).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

test('where it cannot be written the command has not begun', async () => {
  const journal = await CommandJournal.open(await temporaryFolder(), T0);
  // A closed file takes nothing, as a full disk does.
  await journal.close();
  await expect(journal.begin('a', T0)).rejects.toMatchObject({ code: 'EBADF' });
  expect(journal.find('a')).toBeUndefined();
});

test('where it cannot be written an outcome is known at least for as long as we live', async () => {
  const journal = await CommandJournal.open(await temporaryFolder(), T0);
  await journal.begin('a', T0);
  await journal.close();
  await expect(journal.finish('a', DONE, T0)).rejects.toMatchObject({ code: 'EBADF' });
  expect(journal.find('a')).toEqual(DONE);
});

test('a folder in the place of the file is a fault at the start', async () => {
  const folder = await temporaryFolder();
  await mkdir(fileOf(folder));
  await expect(CommandJournal.open(folder, T0)).rejects.toThrow('EISDIR');
});
