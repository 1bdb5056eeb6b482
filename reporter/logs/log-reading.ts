// Owns reading a log file that grows and makes room: its last lines from the end, and then on from there, also across
// `.1`. Whether it was copied away and emptied or renamed, `.1` holds the same bytes at the same places.

import { open, stat, type FileHandle } from 'node:fs/promises';
import { codeOf } from '../errors.ts';
import { LineSplitter, type RawLine } from './lines.ts';

const BLOCK_BYTES = 64 * 1024;
/** More than a reader's queue holds: what lies further back would only be dropped. */
const TAIL_MAX_BYTES = 512 * 1024;

const NEWLINE = 0x0a;

/** So many bytes before a place are remembered: where they are not there any more, the file is another one. */
const MEMORY_BYTES = 64;

/** Where reading goes on: in the file that had this inode, or in `.1` once it made room. */
export type Place = {
  file: 'current' | 'previous';
  inode: number;
  offsetBytes: number;
  /** The bytes just before it. */
  before: Buffer;
};

export type Tail = { lines: RawLine[]; splitter: LineSplitter; place: Place };

/** The last `count` lines, oldest first. The splitter holds the line that is under way. */
export async function readTail(path: string, count: number): Promise<Tail> {
  const splitter = new LineSplitter();
  const current = await lastBytes(path, count, TAIL_MAX_BYTES);
  const missing = count - newlines(current.bytes);
  // A young file continues the one before.
  const before =
    current.reachedStart && missing >= 0
      ? await lastBytes(`${path}.1`, missing, TAIL_MAX_BYTES - current.bytes.length)
      : undefined;
  const bytes = before === undefined ? current.bytes : Buffer.concat([before.bytes, current.bytes]);
  // Of a line that began further back only the end is here.
  if (!(before ?? current).reachedStart) splitter.skipLine();
  const lines = splitter.push(bytes);
  return { lines: count === 0 ? [] : lines.slice(-count), splitter, place: current.place };
}

/** The next bytes, none where nothing was written, and where to go on: the same place where there was nothing to do. */
export async function readOn(path: string, place: Place): Promise<{ bytes: Buffer; place: Place }> {
  const nothing = Buffer.alloc(0);
  if (place.file === 'previous') {
    const bytes = await readAfter(`${path}.1`, place);
    if (bytes !== undefined && bytes.length > 0) return { bytes, place: moved(place, bytes) };
    const now = await statOf(path);
    const start = { file: 'current', inode: now?.inode ?? 0, offsetBytes: 0, before: nothing } as const;
    return { bytes: nothing, place: start };
  }
  const now = await statOf(path);
  if (now === undefined) return { bytes: nothing, place };
  if (place.inode === 0) return { bytes: nothing, place: { ...place, inode: now.inode } };
  const previous: Place = { ...place, file: 'previous' };
  if (now.inode !== place.inode || now.sizeBytes < place.offsetBytes)
    return { bytes: nothing, place: previous };
  if (now.sizeBytes === place.offsetBytes) return { bytes: nothing, place };
  // Emptied and grown past the place between two looks: its size tells nothing, what stands there does.
  const bytes = await readAfter(path, place);
  return bytes === undefined ? { bytes: nothing, place: previous } : { bytes, place: moved(place, bytes) };
}

function moved(place: Place, bytes: Buffer): Place {
  return { ...place, offsetBytes: place.offsetBytes + bytes.length, before: endOf([place.before, bytes]) };
}

/** A copy, since the bytes may be a small piece of a large buffer. */
function endOf(parts: readonly Buffer[]): Buffer {
  return Buffer.from(Buffer.concat(parts).subarray(-MEMORY_BYTES));
}

type LastBytes = { bytes: Buffer; reachedStart: boolean; place: Place };

/** The end of a file that holds `count` lines and the line end before them, as far as the limit allows. */
async function lastBytes(path: string, count: number, maxBytes: number): Promise<LastBytes> {
  const file = await openIfThere(path);
  const nothing = { bytes: Buffer.alloc(0), reachedStart: true };
  if (file === undefined) {
    return { ...nothing, place: { file: 'current', inode: 0, offsetBytes: 0, before: nothing.bytes } };
  }
  try {
    const { size, ino } = await file.stat();
    const blocks: Buffer[] = [];
    let from = size;
    let found = 0;
    while (from > 0 && found <= count && size - from < maxBytes) {
      const length = Math.min(BLOCK_BYTES, from);
      from -= length;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
      const block = buffer.subarray(0, bytesRead);
      blocks.unshift(block);
      found += newlines(block);
    }
    const bytes = Buffer.concat(blocks);
    const place: Place = { file: 'current', inode: ino, offsetBytes: size, before: endOf([bytes]) };
    return { bytes, reachedStart: from === 0, place };
  } finally {
    await file.close();
  }
}

function newlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/** What stands after the place; undefined where the bytes before it are others, or there is no such file. */
async function readAfter(path: string, { offsetBytes, before }: Place): Promise<Buffer | undefined> {
  const file = await openIfThere(path);
  if (file === undefined) return undefined;
  try {
    const length = before.length + BLOCK_BYTES;
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(length),
      0,
      length,
      offsetBytes - before.length,
    );
    if (!buffer.subarray(0, Math.min(bytesRead, before.length)).equals(before)) return undefined;
    return buffer.subarray(before.length, bytesRead);
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function statOf(path: string): Promise<{ inode: number; sizeBytes: number } | undefined> {
  try {
    const { ino, size } = await stat(path);
    return { inode: ino, sizeBytes: size };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
