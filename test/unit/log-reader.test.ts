// One reader of a log on its host: what it is sent, in which order, and when it ends.

import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FOLLOW_MAX_MS, TAIL_MAX, type LogChunk, type LogsArgs } from '../../contract/logs.ts';
import { LogReader, type ReaderEnd } from '../../reporter/logs/log-reader.ts';
import { redactor } from '../../reporter/logs/redaction.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

class Read {
  readonly path: string;
  readonly chunks: LogChunk[] = [];
  readonly cancel = new AbortController();
  readonly ended: Promise<ReaderEnd>;
  room: 'open' | 'full' | 'closed' = 'open';
  /** What the host knows not to tell. */
  readonly secrets = ['s3cret-value'];
  looks = 0;
  nowMs = 0;

  private constructor(path: string, args: LogsArgs, room: Read['room']) {
    this.path = path;
    this.room = room;
    this.ended = new LogReader({
      id: 'r',
      args,
      source: { path, redact: () => redactor(this.secrets) },
      way: {
        room: () => {
          this.looks += 1;
          return this.room;
        },
        send: (chunk) => void this.chunks.push(chunk),
      },
      signal: this.cancel.signal,
      nowMs: () => this.nowMs,
    }).run();
    onTestFinished(async () => {
      this.cancel.abort();
      await this.ended;
    });
  }

  static async start(text: string, args: LogsArgs, room: Read['room'] = 'open'): Promise<Read> {
    const path = join(await temporaryFolder(), 'a.log');
    await writeFile(path, text);
    return new Read(path, args, room);
  }

  get lines(): string[] {
    return this.chunks.flatMap(({ lines }) => lines);
  }

  async says(line: string): Promise<void> {
    await eventually(`a line "${line}"`, () => this.lines.includes(line));
  }

  /** Waits until it has looked at the file, or at its way, again. */
  async looksAgain(): Promise<void> {
    const before = this.looks;
    await eventually('another look', () => this.looks > before + 1);
  }
}

test('a secret that the host learns of while somebody follows is not told either', async () => {
  const read = await Read.start('one\n', { tail: 1, follow: true });
  await read.says('one');
  read.secrets.push('n3w-s3cret');
  await appendFile(read.path, 'two n3w-s3cret\n');
  await read.says('two [redacted]');
  expect(read.lines.join()).not.toContain('n3w-s3cret');
});

test('a tail: the last lines and what has no end yet, without secrets, then the end', async () => {
  const read = await Read.start('one\ntwo s3cret-value\nthree\nso far', { tail: 2, follow: false });
  expect(await read.ended).toBe('all-told');
  expect(read.chunks).toEqual([
    { type: 'log.chunk', id: 'r', seq: 0, lines: ['two [redacted]', 'three', 'so far…'] },
  ]);
});

test('a follow goes on where the tail ended, and ends when it is told to', async () => {
  const read = await Read.start('one\n', { tail: 10, follow: true });
  await read.says('one');
  await appendFile(read.path, 'two\nthr');
  await read.says('two');
  await appendFile(read.path, 'ee\n');
  await read.says('three');
  expect(read.lines).toEqual(['one', 'two', 'three']);
  expect(read.chunks.map(({ seq }) => seq)).toEqual(read.chunks.map((_, index) => index));
  read.cancel.abort();
  expect(await read.ended).toBe('gone');
});

test('a first frame tells that the reading has begun, also where there is no line', async () => {
  const read = await Read.start('', { tail: 0, follow: true });
  await eventually('a frame', () => read.chunks.length > 0);
  expect(read.chunks).toEqual([{ type: 'log.chunk', id: 'r', seq: 0, lines: [] }]);
});

test('a line without an end is shown once it rests, and again when it is whole', async () => {
  const read = await Read.start('loading ..', { tail: 0, follow: true });
  await read.looksAgain();
  expect(read.lines).toEqual([]);
  read.nowMs = 2_000;
  await read.says('loading ..…');
  await read.looksAgain();
  await appendFile(read.path, ' done\n');
  await read.says('loading .. done');
  expect(read.lines).toEqual(['loading ..…', 'loading .. done']);
});

test('while the way is stuck the oldest lines make room, and how many is told', async () => {
  const read = await Read.start('', { tail: 0, follow: true });
  await eventually('a frame', () => read.chunks.length > 0);
  read.room = 'full';
  await appendFile(read.path, Array.from({ length: TAIL_MAX + 7 }, (_, index) => `line ${index}\n`).join(''));
  await read.looksAgain();
  await read.looksAgain();
  expect(read.lines).toEqual([]);
  read.room = 'open';
  await read.says(`line ${TAIL_MAX + 6}`);
  expect(read.chunks[1]).toMatchObject({ dropped: 7, seq: 1 });
  expect(read.lines[0]).toBe('line 7');
  expect(read.lines).toHaveLength(TAIL_MAX);
});

test('a tail waits for a stuck way, and is whole', async () => {
  const read = await Read.start('one\n', { tail: 1, follow: false }, 'full');
  await read.looksAgain();
  read.room = 'open';
  expect(await read.ended).toBe('all-told');
  expect(read.lines).toEqual(['one']);
});

test('it ends where there is no way any more, and after its limit', async () => {
  const cut = await Read.start('one\n', { tail: 1, follow: true });
  await cut.says('one');
  cut.room = 'closed';
  expect(await cut.ended).toBe('gone');

  const long = await Read.start('one\n', { tail: 1, follow: true });
  await long.says('one');
  long.nowMs = FOLLOW_MAX_MS;
  expect(await long.ended).toBe('limit');
});
