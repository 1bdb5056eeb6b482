// Owns what waits for one reader: the last lines, bounded in number and size. The oldest make room, and are counted.

import { TAIL_MAX } from '../../contract/logs.ts';

const MAX_BYTES = 256 * 1024;

export class LineQueue {
  readonly #lines: { text: string; bytes: number }[] = [];
  #bytes = 0;
  #dropped = 0;

  push(text: string): void {
    // As it will cross the wire: quotes and backslashes count twice there.
    const bytes = Buffer.byteLength(JSON.stringify(text)) + 1;
    this.#lines.push({ text, bytes });
    this.#bytes += bytes;
    while (this.#lines.length > TAIL_MAX || this.#bytes > MAX_BYTES) {
      this.#bytes -= this.#lines.shift()?.bytes ?? 0;
      this.#dropped += 1;
    }
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0 && this.#dropped === 0;
  }

  /** The oldest lines that fit, at least one where there is any, and how many were dropped before them. */
  take(maxBytes: number): { lines: string[]; dropped: number } {
    const lines: string[] = [];
    let bytes = 0;
    for (let next = this.#lines[0]; next !== undefined; next = this.#lines[0]) {
      if (lines.length > 0 && bytes + next.bytes > maxBytes) break;
      this.#lines.shift();
      bytes += next.bytes;
      lines.push(next.text);
    }
    this.#bytes -= bytes;
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { lines, dropped };
  }
}
