// Owns how the bytes of a log become lines that may be told: split, bounded, without what steers a terminal, redacted.

import { stripVTControlCharacters } from 'node:util';
import { LOG_LINE_MAX_LENGTH } from '../../contract/logs.ts';
import type { Redact } from './redaction.ts';

const NEWLINE = 0x0a;

/** What is held of a line that does not end. */
const HELD_MAX_BYTES = 16 * 1024;
/** Taken from the end of what was held: a secret may have been cut there, and its beginning is not known as one. */
const CUT_MARGIN = 4096;
const CUT_MARK = ' [line cut]';

/** A line as it stands in the file, without its end; `isCut` where it was longer than what is held. */
export type RawLine = { bytes: Buffer; isCut: boolean };

/** Takes bytes as they come and gives whole lines. A line feed is never part of another character in UTF-8. */
export class LineSplitter {
  #held: Buffer = Buffer.alloc(0);
  #isCut = false;
  #isSkipping = false;

  push(bytes: Buffer): RawLine[] {
    const lines: RawLine[] = [];
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      this.#hold(bytes.subarray(from, end));
      if (!this.#isSkipping) lines.push({ bytes: this.#held, isCut: this.#isCut });
      this.#forget();
      from = end + 1;
    }
    this.#hold(bytes.subarray(from));
    return lines;
  }

  /** What was written of a line that has no end yet; undefined where there is none. */
  get unfinished(): RawLine | undefined {
    return this.#held.length === 0 || this.#isSkipping
      ? undefined
      : { bytes: this.#held, isCut: this.#isCut };
  }

  /** Drops the line that is under way: its beginning was not seen, so it cannot be told what is a secret in it. */
  skipLine(): void {
    this.#forget();
    this.#isSkipping = true;
  }

  #hold(bytes: Buffer): void {
    if (this.#isSkipping || bytes.length === 0) return;
    const room = HELD_MAX_BYTES - this.#held.length;
    if (bytes.length > room) this.#isCut = true;
    // A copy: the bytes may be a piece of a buffer that is read into again.
    if (room > 0) this.#held = Buffer.concat([this.#held, bytes.subarray(0, room)]);
  }

  #forget(): void {
    this.#held = Buffer.alloc(0);
    this.#isCut = false;
    this.#isSkipping = false;
  }
}

/** The line as it leaves the host. */
export function spellLine({ bytes, isCut }: RawLine, redact: Redact): string {
  const text = plain(bytes);
  return bounded(isCut ? redact.unfinished(text).slice(0, -CUT_MARGIN) : redact(text), isCut);
}

/** A line whose end is not written yet, as it is so far. */
export function spellUnfinished({ bytes, isCut }: RawLine, redact: Redact): string {
  return bounded(`${redact.unfinished(plain(bytes))}…`, isCut);
}

/** Invalid UTF-8 becomes U+FFFD; so does what would move a cursor or recolour a reader's terminal. */
function plain(bytes: Buffer): string {
  const text = stripVTControlCharacters(bytes.toString('utf8')).replace(/\r$/, '');
  return text.replace(/\p{Cc}/gu, (control) => {
    if (control === '\t') return control;
    return control === '\r' ? ' ' : '\uFFFD';
  });
}

function bounded(text: string, isCut: boolean): string {
  if (!isCut && text.length <= LOG_LINE_MAX_LENGTH) return text;
  // A cut may part the two halves of one character.
  return `${text.slice(0, LOG_LINE_MAX_LENGTH - CUT_MARK.length).toWellFormed()}${CUT_MARK}`;
}
