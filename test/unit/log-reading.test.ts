// Reading a log from its end and on from there, while the file grows, makes room, and belongs to another launch.

import { appendFile, copyFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LineSplitter } from '../../reporter/logs/lines.ts';
import { readOn, readTail, type Place } from '../../reporter/logs/log-reading.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function logFile(text: string): Promise<string> {
  const path = join(await temporaryFolder(), 'a.log');
  await writeFile(path, text);
  return path;
}

async function tail(path: string, count: number): Promise<string[]> {
  return (await readTail(path, count)).lines.map(({ bytes }) => bytes.toString());
}

/** Reads until nothing is left. */
async function rest(
  path: string,
  from: Place,
  splitter: LineSplitter,
): Promise<{ lines: string[]; place: Place }> {
  const lines: string[] = [];
  for (let place = from; ;) {
    const next = await readOn(path, place);
    lines.push(...splitter.push(next.bytes).map(({ bytes }) => bytes.toString()));
    if (next.bytes.length === 0 && next.place === place) return { lines, place };
    place = next.place;
  }
}

test('the last lines, however many there are', async () => {
  const path = await logFile('one\ntwo\nthree\nunfini');
  expect(await tail(path, 2)).toEqual(['two', 'three']);
  expect(await tail(path, 9)).toEqual(['one', 'two', 'three']);
  expect(await tail(path, 0)).toEqual([]);
  expect((await readTail(path, 0)).splitter.unfinished?.bytes.toString()).toBe('unfini');
  expect(await tail(`${path}-missing`, 5)).toEqual([]);
});

test('of a large file the end alone is read, in whole lines', async () => {
  const all = Array.from({ length: 20_000 }, (_, index) => `${index} ${'x'.repeat(index % 200)}`);
  const path = await logFile(`${all.join('\n')}\n`);
  expect(await tail(path, 1000)).toEqual(all.slice(-1000));
});

test('a line that began too far back is not told: its beginning may say what it is', async () => {
  const path = await logFile(`--api-key ${'x'.repeat(600 * 1024)}\nlast\n`);
  expect(await tail(path, 10)).toEqual(['last']);
  const endless = await logFile('y'.repeat(600 * 1024));
  const { lines, splitter, place } = await readTail(endless, 10);
  expect(lines).toEqual([]);
  await appendFile(endless, 'end\nnext\n');
  expect((await rest(endless, place, splitter)).lines).toEqual(['next']);
});

test('a young file continues the one before it', async () => {
  const path = await logFile('rd\nfourth\n');
  await writeFile(`${path}.1`, 'first\nsecond\nthi');
  expect(await tail(path, 3)).toEqual(['second', 'third', 'fourth']);
  expect(await tail(path, 1)).toEqual(['fourth']);
});

test('reading on: what is appended, once and whole', async () => {
  const path = await logFile('one\ntw');
  const { splitter, place } = await readTail(path, 1);
  await appendFile(path, 'o\nthree\nfo');
  const next = await rest(path, place, splitter);
  expect(next.lines).toEqual(['two', 'three']);
  expect((await rest(path, next.place, splitter)).lines).toEqual([]);
  expect(splitter.unfinished?.bytes.toString()).toBe('fo');
});

test('across a file that is copied away and emptied under its writer', async () => {
  const path = await logFile('one\n');
  const { splitter, place } = await readTail(path, 1);
  await appendFile(path, 'two\nthr');
  await copyFile(path, `${path}.1`);
  await truncate(path, 0);
  await appendFile(path, 'ee\n');
  const next = await rest(path, place, splitter);
  expect(next.lines).toEqual(['two', 'three']);
  await appendFile(path, 'four\n');
  expect((await rest(path, next.place, splitter)).lines).toEqual(['four']);
});

test('across a file that was emptied and has grown past the place since', async () => {
  const path = await logFile('one\n');
  const { splitter, place } = await readTail(path, 1);
  await appendFile(path, 'two\n');
  await copyFile(path, `${path}.1`);
  await truncate(path, 0);
  await appendFile(path, 'three and more\n');
  expect((await rest(path, place, splitter)).lines).toEqual(['two', 'three and more']);
});

test('a file that made room twice between two looks is read from its beginning', async () => {
  const path = await logFile('one\n');
  const { splitter, place } = await readTail(path, 1);
  await writeFile(`${path}.1`, 'lost between the two\n');
  await truncate(path, 0);
  await appendFile(path, 'three and more\n');
  expect((await rest(path, place, splitter)).lines).toEqual(['three and more']);
});

test('across a file that is renamed at the next launch, and a moment without one', async () => {
  const path = await logFile('one\n');
  const { splitter, place } = await readTail(path, 1);
  await appendFile(path, 'two\n');
  await rename(path, `${path}.1`);
  const between = await rest(path, place, splitter);
  await writeFile(path, 'three\n');
  const next = await rest(path, between.place, splitter);
  expect([...between.lines, ...next.lines]).toEqual(['two', 'three']);
});

test('a file that somebody emptied, without a copy of it', async () => {
  const path = await logFile('one\ntwo\n');
  const { splitter, place } = await readTail(path, 1);
  await truncate(path, 0);
  await appendFile(path, 'new\n');
  expect((await rest(path, place, splitter)).lines).toEqual(['new']);
});

test('a log that is not there yet is read from its first line', async () => {
  const path = await logFile('');
  await rm(path);
  const { splitter, place } = await readTail(path, 5);
  const waiting = await rest(path, place, splitter);
  await writeFile(path, 'first\n');
  expect((await rest(path, waiting.place, splitter)).lines).toEqual(['first']);
});
