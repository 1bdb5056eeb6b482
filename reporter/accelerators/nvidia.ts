// Owns the one long-lived `nvidia-smi`: started once, watched for silence and for growth, ended with the reporter.

import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { AcceleratorReading } from '../../contract/accelerator.ts';
import { fullJitterMs } from '../backoff.ts';
import { codeOf, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { AcceleratorSource } from './source.ts';
import { NvidiaCards } from './nvidia-cards.ts';
import { nvidiaSmiArgs, parseNvidiaLine } from './nvidia-smi.ts';

const EVERY_SECONDS = 5;
/** Two answers missed and the third due: the tool or the driver hangs. */
const SILENT_AFTER_MS = 16_000;
const WATCH_EVERY_MS = 5_000;
/** A driver once let the tool grow to 25 GB; it needs about 30 MB. */
const MEMORY_CAP_BYTES = 512 * 1024 * 1024;
const PAGE_BYTES = 4096;
const RESTART = { baseMs: 5_000, capMs: 300_000 };

export type NvidiaOptions = { log: Log; command?: string; silentAfterMs?: number; watchEveryMs?: number };

export class NvidiaSource implements AcceleratorSource {
  readonly #options: Required<NvidiaOptions>;
  readonly #cards = new NvidiaCards();
  #child: ChildProcess | undefined;
  #startedAtMs = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: NvidiaOptions) {
    this.#options = {
      command: 'nvidia-smi',
      silentAfterMs: SILENT_AFTER_MS,
      watchEveryMs: WATCH_EVERY_MS,
      ...options,
    };
  }

  start(): void {
    this.#spawn();
    this.#watch = setInterval(() => this.#check(Date.now()), this.#options.watchEveryMs);
  }

  readings(nowMs: number): AcceleratorReading[] {
    return this.#cards.readings(nowMs, this.#options.silentAfterMs);
  }

  stop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#child?.kill('SIGKILL');
  }

  #spawn(): void {
    const { command, log } = this.#options;
    const child = spawn(command, nvidiaSmiArgs(EVERY_SECONDS), { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#child = child;
    this.#startedAtMs = Date.now();
    child.once('error', (error) => {
      // No NVIDIA driver on this host: nothing to read, and nothing to try again.
      if (codeOf(error) === 'ENOENT') return this.stop();
      log.warn(`nvidia-smi cannot be started: ${messageOf(error)}`);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const parsed = parseNvidiaLine(line);
      if (parsed.kind === 'gpu') this.#failures = 0;
      this.#cards.hear(parsed, Date.now());
    });
    child.once('close', () => this.#onClosed(child));
  }

  #onClosed(child: ChildProcess): void {
    if (this.#child === child) this.#child = undefined;
    if (this.#ended) return;
    this.#failures += 1;
    const delayMs = Math.max(RESTART.baseMs, fullJitterMs(RESTART, this.#failures, Math.random()));
    this.#timer = setTimeout(() => this.#spawn(), delayMs);
  }

  /** Ends a tool that is silent or swollen; its end starts the next one. */
  #check(nowMs: number): void {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const heardAtMs = Math.max(this.#cards.heardAtMs ?? 0, this.#startedAtMs);
    const sizeBytes = residentBytes(child.pid);
    const silent = nowMs - heardAtMs > this.#options.silentAfterMs;
    const swollen = sizeBytes !== undefined && sizeBytes > MEMORY_CAP_BYTES;
    if (!silent && !swollen) return;
    this.#options.log.warn(
      silent ? 'nvidia-smi is silent; starting another' : 'nvidia-smi grew too large; starting another',
    );
    child.kill('SIGKILL');
  }
}

/** Undefined where the system has no /proc, or the process is gone. */
function residentBytes(pid: number): number | undefined {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return Number.isFinite(pages) ? pages * PAGE_BYTES : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}
