// Owns a terminal's other screen: what is watched is drawn there over and over, and the terminal is given back as it was.

import { stripVTControlCharacters } from 'node:util';
import { widthOf } from '../render/width.ts';

/** Other screen, no cursor; and back. */
const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';
/** What stands between them is shown at once, by terminals that know it; the others pass over it. */
const BEGIN = '\u001B[?2026h';
const END = '\u001B[?2026l';
const HOME = '\u001B[H';
const CLEAR_REST_OF_LINE = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';

type Terminal = { write(text: string): unknown; readonly rows?: number; readonly columns?: number };

export class Screen {
  readonly #terminal: Terminal;
  #isEntered = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Nothing is cleared first, so nothing flickers: each line is written over the one that was there. */
  draw(lines: readonly string[]): void {
    if (!this.#isEntered) this.#terminal.write(ENTER);
    this.#isEntered = true;
    const shown = fitted(lines, this.#terminal.rows ?? 24);
    const text = shown.map((line) => this.#wholeLine(line)).join('\r\n');
    this.#terminal.write(`${BEGIN}${HOME}${text}${CLEAR_BELOW}${END}`);
  }

  /** Behind the last column the cursor still stands on it: there is nothing to clear then but the last letter. */
  #wholeLine(line: string): string {
    const isFull = widthOf(stripVTControlCharacters(line)) >= (this.#terminal.columns ?? 80);
    return isFull ? line : `${line}${CLEAR_REST_OF_LINE}`;
  }

  leave(): void {
    if (this.#isEntered) this.#terminal.write(LEAVE);
    this.#isEntered = false;
  }
}

/** What does not fit is counted: the end of a list that is silently missing would be taken for its end. */
export function fitted(lines: readonly string[], rows: number): string[] {
  if (lines.length <= rows) return [...lines];
  const hidden = lines.length - (rows - 1);
  const note = hidden === 1 ? '… 1 more line' : `… ${hidden} more lines`;
  return [...lines.slice(0, rows - 1), note];
}
