// Owns what supervision does with a runtime's log. Nothing that is wrong with a log stops a runtime: it is told.

import type { FSWatcher } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { devNull } from 'node:os';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { RuntimeLog } from './logs.ts';

/** A talkative server writes some MB an hour. */
const BOUND_EVERY_MS = 60_000;

export class RuntimeOutput {
  readonly log: RuntimeLog;
  readonly #id: string;
  readonly #told: Log;

  /** @param told where faults are told. */
  constructor(id: string, log: RuntimeLog, told: Log) {
    this.#id = id;
    this.log = log;
    this.#told = told;
  }

  /** A server whose words have no place is worth more than none. */
  async open(): Promise<{ file: FileHandle; startBytes: number }> {
    try {
      return await this.log.open();
    } catch (error) {
      this.#told.warn(`${this.#id}: its log is not kept: ${messageOf(error)}`);
      return { file: await open(devNull, 'a'), startBytes: 0 };
    }
  }

  async lastLines(startBytes: number, maxLines: number): Promise<string[]> {
    try {
      return await this.log.tail(startBytes, maxLines);
    } catch (error) {
      this.#told.warn(`${this.#id}: its log cannot be read: ${messageOf(error)}`);
      return [];
    }
  }

  /** Keeps the log small; returns what ends that. */
  keepBounded(): () => void {
    const timer = setInterval(() => {
      this.log.bound().catch((error: unknown) => {
        this.#told.warn(`${this.#id}: its log cannot be kept small: ${messageOf(error)}`);
      });
    }, BOUND_EVERY_MS);
    return () => clearInterval(timer);
  }

  onGrowth(callback: () => void): FSWatcher | undefined {
    try {
      const watcher = this.log.onGrowth(callback);
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch (error) {
      // Out of inotify watches: the polling finds the same, a moment later.
      this.#told.warn(`${this.#id}: its log is not watched: ${messageOf(error)}`);
      return undefined;
    }
  }
}
