// Owns finding the top-level `model` of a JSON body while it arrives, without keeping or parsing the rest. Pure.

import type { Finding, ModelFinder } from './model-finder.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** No model's name is longer; a longer text is a prompt. */
const CAPTURE_MAX_BYTES = 1024;

/** What the text that is being read is: a key of the top level, the model's name, or of no interest. */
type Interest = 'key' | 'model' | undefined;

export class JsonModelFinder implements ModelFinder {
  readonly #onKey: ((key: string) => void) | undefined;
  #offset = 0;
  #depth = 0;
  #expectsKey = false;
  #isModel = false;
  #inText = false;
  /** The text so far ends in an odd number of backslashes, so that the next byte is part of it. */
  #escaped = false;
  #interest: Interest;
  #captured: Buffer[] = [];
  #capturedBytes = 0;
  #textStart = 0;

  /** @param onKey told each key of the top level; with it the whole body is read, and nothing is found. */
  constructor(onKey?: (key: string) => void) {
    this.#onKey = onKey;
  }

  push(chunk: Buffer): Finding {
    let at = 0;
    while (at < chunk.length) {
      if (this.#inText) {
        const end = this.#endOfText(chunk, at);
        this.#capture(chunk.subarray(at, end ?? chunk.length));
        if (end === undefined) break;
        at = end + 1;
        this.#inText = false;
        const found = this.#text(this.#offset + end + 1);
        if (found) return found;
      } else {
        const ended = this.#structure(chunk[at] ?? 0, this.#offset + at);
        if (ended) return { kind: 'none' };
        at += 1;
      }
    }
    this.#offset += chunk.length;
    return { kind: 'more' };
  }

  /** One byte outside of any text; true where no `model` can follow any more. */
  #structure(byte: number, position: number): boolean {
    switch (byte) {
      case 0x20: // the four bytes that JSON takes for white space
      case 0x09:
      case 0x0a:
      case 0x0d:
        return false;
      case 0x7b: // {
        this.#depth += 1;
        if (this.#depth === 1) this.#expectsKey = true;
        return this.#isModel;
      case 0x5b: // [
        if (this.#depth === 0) return true;
        this.#depth += 1;
        return this.#isModel;
      case 0x7d: // }
      case 0x5d: // ]
        this.#depth -= 1;
        return this.#depth <= 0;
      case 0x2c: // ,
        if (this.#depth === 1) this.#expectsKey = true;
        return false;
      case 0x3a: // :
        return false;
      case QUOTE:
        if (this.#depth === 0) return true;
        this.#inText = true;
        this.#textStart = position;
        this.#interest =
          this.#depth > 1 ? undefined : this.#expectsKey ? 'key' : this.#isModel ? 'model' : undefined;
        return false;
      default:
        // A number or a word; as the value of `model` it names nothing.
        return this.#depth === 0 || this.#isModel;
    }
  }

  /** The closing quote's index; undefined where the text goes on in the next chunk. */
  #endOfText(chunk: Buffer, from: number): number | undefined {
    let quote = chunk.indexOf(QUOTE, from);
    for (; quote !== -1; quote = chunk.indexOf(QUOTE, quote + 1)) {
      if (!this.#isEscaped(chunk, from, quote)) {
        this.#escaped = false;
        return quote;
      }
    }
    this.#escaped = this.#isEscaped(chunk, from, chunk.length);
    return undefined;
  }

  /** Whether the byte at `index` follows an odd number of backslashes. */
  #isEscaped(chunk: Buffer, from: number, index: number): boolean {
    let first = index;
    while (first > from && chunk[first - 1] === BACKSLASH) first -= 1;
    const carried = first === from && this.#escaped ? 1 : 0;
    return (index - first + carried) % 2 === 1;
  }

  #capture(part: Buffer): void {
    if (this.#interest === undefined) return;
    this.#capturedBytes += part.length;
    if (this.#capturedBytes <= CAPTURE_MAX_BYTES) this.#captured.push(part);
  }

  /** A text has ended before `end`. */
  #text(end: number): Finding | undefined {
    const interest = this.#interest;
    const raw = this.#capturedBytes <= CAPTURE_MAX_BYTES ? Buffer.concat(this.#captured) : undefined;
    this.#captured = [];
    this.#capturedBytes = 0;
    this.#interest = undefined;
    if (interest === undefined) return undefined;
    const text = raw && unescaped(raw);
    if (interest === 'key') {
      this.#expectsKey = false;
      if (this.#onKey === undefined) this.#isModel = text === 'model';
      else if (text !== undefined) this.#onKey(text);
      return undefined;
    }
    return text === undefined ? { kind: 'none' } : { kind: 'found', name: text, start: this.#textStart, end };
  }
}

function unescaped(raw: Buffer): string | undefined {
  try {
    const value: unknown = JSON.parse(`"${raw.toString('utf8')}"`);
    return typeof value === 'string' ? value : undefined;
  } catch {
    // Not JSON: the runtime will say so in its own words.
    return undefined;
  }
}
