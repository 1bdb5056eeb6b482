// Owns noticing that the manifest may have changed. A hint is never a proof: whoever hears it reads the file.

import { watch, type FSWatcher } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';

/** An editor writes, renames and touches in one go; only when that has been quiet for this long the file is whole. */
const QUIET_MS = 200;
/** In a folder that is never quiet, nobody waits longer than this. */
const QUIET_AT_MOST_MS = 2_000;
/** For file systems that send no events, and for folders that were replaced as a whole. */
const LOOK_EVERY_MS = 30_000;

export class ManifestWatch {
  readonly #path: string;
  readonly #onHint: () => Promise<void>;
  #watched = new Map<string, FSWatcher>();
  #quiet: NodeJS.Timeout | undefined;
  #firstHintMs: number | undefined;
  readonly #steady: NodeJS.Timeout;
  #stopped = false;

  constructor(path: string, onHint: () => Promise<void>) {
    this.#path = path;
    this.#onHint = onHint;
    this.#steady = setInterval(() => void this.#settle(), LOOK_EVERY_MS);
    void this.#settle();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#quiet);
    clearInterval(this.#steady);
    for (const watcher of this.#watched.values()) watcher.close();
  }

  /** Watches the folder and not the file, since editors put another file in its place; and the folder of its target. */
  async #rearm(): Promise<void> {
    // A link that leads nowhere: the reader of the file says so.
    const target = await realpath(this.#path).catch(() => this.#path);
    if (this.#stopped) return;
    const wanted = new Set([dirname(this.#path), dirname(target)]);
    for (const [folder, watcher] of this.#watched) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watched.delete(folder);
    }
    for (const folder of wanted) if (!this.#watched.has(folder)) this.#watchFolder(folder);
  }

  #watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, () => this.#hint());
      const drop = (): void => {
        watcher.close();
        if (this.#watched.get(folder) === watcher) this.#watched.delete(folder);
      };
      watcher.on('error', drop);
      this.#watched.set(folder, watcher);
    } catch {
      // No such folder now, or no inotify watch left: the steady look finds what changed, later.
    }
  }

  #hint(): void {
    if (this.#stopped) return;
    const nowMs = performance.now();
    this.#firstHintMs ??= nowMs;
    clearTimeout(this.#quiet);
    const leftMs = this.#firstHintMs + QUIET_AT_MOST_MS - nowMs;
    this.#quiet = setTimeout(() => void this.#settle(), Math.max(0, Math.min(QUIET_MS, leftMs)));
  }

  async #settle(): Promise<void> {
    this.#firstHintMs = undefined;
    await this.#rearm();
    if (!this.#stopped) await this.#onHint();
  }
}
