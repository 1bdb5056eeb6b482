// Owns one reader of a runtime's log from its first line to its end. Nothing of it runs while nobody reads.

import type { LogChunk, LogsArgs } from '../../contract/logs.ts';
import { FOLLOW_MAX_MS } from '../../contract/logs.ts';
import { Nudge } from '../nudge.ts';
import { LineQueue } from './line-queue.ts';
import { spellLine, spellUnfinished, type LineSplitter } from './lines.ts';
import { readOn, readTail, type Place } from './log-reading.ts';
import type { Redact } from './redaction.ts';

/** The file of one runtime, and what must not be told of it. */
export type LogSource = { path: string; redact: () => Redact };

/** The way to the hub: `full` while what was sent before still waits on this host. */
export type LogWay = {
  room(): 'open' | 'full' | 'closed';
  send(chunk: LogChunk): void;
};

export type LogReaderOptions = {
  id: string;
  args: LogsArgs;
  source: LogSource;
  way: LogWay;
  /** Ends it: the reader is gone, or the reporter ends. */
  signal: AbortSignal;
  /** A clock that only goes forward. */
  nowMs: () => number;
};

/** How it ended; `gone` where nobody waits for a word any more. */
export type ReaderEnd = 'all-told' | 'limit' | 'gone';

/** One `stat` each time: cheaper than a watch on a busy file, and right also after the file made room. */
const LOOK_EVERY_MS = 250;
const DRAIN_EVERY_MS = 50;
/** Of one look: then what was read goes out first. */
const READ_MAX_BYTES = 1024 * 1024;
/** Well below the 256 kB of a frame. */
const CHUNK_MAX_BYTES = 64 * 1024;
/** A line without an end is shown as it is once nothing was added for so long (dots of progress), and again when whole. */
const UNFINISHED_AFTER_MS = 2_000;

export class LogReader {
  readonly #options: LogReaderOptions;
  readonly #queue = new LineQueue();
  readonly #pause = new Nudge();
  #seq = 0;

  constructor(options: LogReaderOptions) {
    this.#options = options;
  }

  /** @throws the system's error where the log cannot be read. */
  async run(): Promise<ReaderEnd> {
    const { args, source, nowMs } = this.#options;
    const endsAtMs = nowMs() + FOLLOW_MAX_MS;
    const { lines, splitter, place } = await readTail(source.path, args.tail);
    for (const line of lines) this.#queue.push(spellLine(line, this.#options.source.redact()));
    if (!args.follow && args.tail > 0) this.#pushUnfinished(splitter);
    // Also without a line: the reader is told that this host has begun.
    if (!this.#flush(true)) return 'gone';
    return args.follow ? this.#follow(splitter, place, endsAtMs) : this.#drain();
  }

  async #follow(splitter: LineSplitter, start: Place, endsAtMs: number): Promise<ReaderEnd> {
    const { signal, source, nowMs } = this.#options;
    let place = start;
    let grewAtMs = nowMs();
    let isShown = false;
    while (!signal.aborted) {
      if (nowMs() >= endsAtMs) return (await this.#drain()) === 'gone' ? 'gone' : 'limit';
      let readBytes = 0;
      for (;;) {
        const before = place;
        const next = await readOn(source.path, before);
        place = next.place;
        readBytes += next.bytes.length;
        for (const line of splitter.push(next.bytes))
          this.#queue.push(spellLine(line, this.#options.source.redact()));
        if (next.bytes.length === 0 && next.place === before) break;
        if (readBytes >= READ_MAX_BYTES || signal.aborted) break;
      }
      if (readBytes > 0) {
        grewAtMs = nowMs();
        isShown = false;
      } else if (!isShown && nowMs() - grewAtMs >= UNFINISHED_AFTER_MS) {
        this.#pushUnfinished(splitter);
        isShown = true;
      }
      if (!this.#flush()) return 'gone';
      await this.#pause.wait(readBytes >= READ_MAX_BYTES ? 0 : LOOK_EVERY_MS, signal);
    }
    return 'gone';
  }

  #pushUnfinished(splitter: LineSplitter): void {
    const { unfinished } = splitter;
    if (unfinished !== undefined)
      this.#queue.push(spellUnfinished(unfinished, this.#options.source.redact()));
  }

  /** Sends what is queued as fast as the way takes it. */
  async #drain(): Promise<ReaderEnd> {
    while (!this.#queue.isEmpty) {
      if (this.#options.signal.aborted || !this.#flush()) return 'gone';
      if (!this.#queue.isEmpty) await this.#pause.wait(DRAIN_EVERY_MS, this.#options.signal);
    }
    return this.#options.signal.aborted ? 'gone' : 'all-told';
  }

  /** Sends what the way takes now; false where there is no way any more. */
  #flush(evenEmpty = false): boolean {
    const { id, way } = this.#options;
    let isDue = evenEmpty;
    while (isDue || !this.#queue.isEmpty) {
      const room = way.room();
      if (room !== 'open') return room === 'full';
      const { lines, dropped } = this.#queue.take(CHUNK_MAX_BYTES);
      way.send({ type: 'log.chunk', id, seq: this.#seq, lines, ...(dropped > 0 && { dropped }) });
      this.#seq += 1;
      isDue = false;
    }
    return way.room() !== 'closed';
  }
}
