// Owns what a child writes: one bounded file for each runtime, its last lines without secrets, and word of its growth.

import { watch, type FSWatcher } from 'node:fs';
import { copyFile, mkdir, open, rename, stat, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../errors.ts';
import type { Redact } from '../logs/redaction.ts';

/** A larger file makes room in `.1`, at a launch and while the child runs: a runtime keeps about two of these. */
const ROTATE_AT_BYTES = 8 * 1024 * 1024;
const TAIL_BYTES = 16 * 1024;

export class RuntimeLog {
  readonly path: string;
  /** Made anew for each use: what is secret changes with the manifest and with enrolment. */
  readonly redact: () => Redact;
  readonly #directory: string;

  constructor(stateDir: string, runtimeId: string, redact: () => Redact) {
    this.redact = redact;
    this.#directory = join(stateDir, 'logs');
    // A runtime id may hold a colon, which no file system of a host should have to hold.
    this.path = join(this.#directory, `${runtimeId.replaceAll(':', '_')}.log`);
  }

  /** Opens the file for appending; the caller closes it. Returns too where this launch's output begins, in bytes. */
  async open(): Promise<{ file: FileHandle; startBytes: number }> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    if ((await this.#sizeBytes()) > ROTATE_AT_BYTES) await rename(this.path, `${this.path}.1`);
    const file = await open(this.path, 'a', 0o600);
    return { file, startBytes: (await file.stat()).size };
  }

  /**
   * Makes room while the child goes on writing. It holds the file open for appending, so what is there is copied away
   * and the file is emptied under it; lines written between the two are lost.
   */
  async bound(): Promise<void> {
    if ((await this.#sizeBytes()) <= ROTATE_AT_BYTES) return;
    await copyFile(this.path, `${this.path}.1`);
    await truncate(this.path, 0);
  }

  /** The last lines written since `startBytes`, oldest first, without blank ones and without secrets. */
  async tail(startBytes: number, maxLines: number): Promise<string[]> {
    const file = await open(this.path, 'r');
    try {
      const { size } = await file.stat();
      // A file that was emptied meanwhile holds nothing of an earlier launch.
      const launchedAt = startBytes > size ? 0 : startBytes;
      const from = Math.max(launchedAt, size - TAIL_BYTES, 0);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
      const text = buffer.toString('utf8', 0, bytesRead);
      // Of a line that began further back it cannot be told what in it is a secret.
      const whole = from > launchedAt ? text.replace(/^[^\n]*(\n|$)/, '') : text;
      const lines = whole.split('\n').filter((line) => line.trim() !== '');
      return lines.slice(-maxLines).map(this.redact());
    } finally {
      await file.close();
    }
  }

  /** Calls back whenever the file grows: a hint that something may have happened, never a proof. */
  onGrowth(callback: () => void): FSWatcher {
    return watch(this.path, callback);
  }

  async #sizeBytes(): Promise<number> {
    try {
      return (await stat(this.path)).size;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return 0;
      throw error;
    }
  }
}
