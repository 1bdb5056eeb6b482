// Owns where words go: results to stdout, progress and faults to stderr. Nothing that a node said steers a terminal.

import { styleText } from 'node:util';
import { toText, type Line, type Paint } from './render/line.ts';

const FORMATS = { good: 'green', warn: 'yellow', bad: 'red', faint: 'dim', strong: 'bold' } as const;

/** A terminal that does not tell its size, as some serial lines. */
const DEFAULT_COLUMNS = 80;

export function print(text: string): void {
  process.stdout.write(line(text));
}

export function printLines(lines: readonly Line[]): void {
  process.stdout.write(toText(lines, paintFor(process.stdout)));
}

export function printJson(value: unknown): void {
  process.stdout.write(`${jsonText(value, 2)}\n`);
}

/** One document on one line, for what goes on. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${jsonText(value)}\n`);
}

export function progress(text: string): void {
  process.stderr.write(line(text));
}

/** Undefined where there is no terminal, and lines keep their length. */
export function columnsOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY ? stream.columns || DEFAULT_COLUMNS : undefined;
}

/** Colours where the stream is a terminal that has them; NO_COLOR and FORCE_COLOR count as everywhere in Node. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (style, text) => styleText(FORMATS[style], text, { stream });
}

/** Control characters are shown as characters that nobody can read, so that they are seen and do nothing. */
export function withoutControl(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => (/[\n\t]/.test(character) ? character : '\uFFFD'));
}

/** JSON escapes only half of the control characters by itself; the same value with the others escaped too. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007F-\u009F]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function line(text: string): string {
  const shown = withoutControl(text);
  return shown.endsWith('\n') ? shown : `${shown}\n`;
}
