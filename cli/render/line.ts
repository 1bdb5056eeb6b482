// Owns a line of a terminal: words with a style each, so that colour is put on last and nothing that a node said is taken
// for a colour. Styles only repeat what the words say.

import { beginning, ending, widthOf } from './width.ts';

export type Style = 'good' | 'warn' | 'bad' | 'faint' | 'strong';

export type Span = { text: string; style?: Style };

/** What a cell or a line is made of, as its writer has it. */
export type Words = string | Span | readonly (string | Span)[];

export type Line = readonly Span[];

/** Puts a style on words, or leaves them as they are. */
export type Paint = (style: Style, text: string) => string;

/** Would steer a terminal, turn the direction of what follows, or break the line. */
// oxlint-disable-next-line no-control-regex, no-misleading-character-class -- they are looked for one by one.
const STEERING = /[\p{Cc}\u202A-\u202E\u2066-\u2069]|\p{Cs}/gu;
const NO_BREAK = '\u00A0';
const BREAKS = /[\t\n\u2028\u2029]/g;

/** One line of spans, in which whatever could steer the terminal is shown as a character that nobody can read. */
export function lineOf(words: Words): Line {
  const parts = typeof words === 'string' || 'text' in words ? [words] : words;
  return parts.map((part) =>
    typeof part === 'string' ? { text: harmless(part) } : { ...part, text: harmless(part.text) },
  );
}

function harmless(text: string): string {
  return text.replace(BREAKS, ' ').replace(STEERING, '\uFFFD');
}

export function styled(style: Style | undefined, text: string): Span {
  return style === undefined ? { text } : { text, style };
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** A text as the lines that it takes. @param columns undefined where there is no terminal. */
export function paragraph(text: string, columns: number | undefined): Line[] {
  return columns === undefined ? [lineOf(text)] : wrappedLine(lineOf(text), columns);
}

/** As long as it is, or cut with `…` to the columns. */
export function cut(line: Line, columns: number): Line {
  if (lineWidth(line) <= columns) return line;
  return columns <= 0 ? [] : [...start(line, columns - 1), { text: '…' }];
}

/** Cut in its middle: what tells models apart is often at their end. */
export function cutInside(line: Line, columns: number): Line {
  if (lineWidth(line) <= columns || columns < 5) return cut(line, columns);
  const [span] = line;
  if (span === undefined || line.length > 1) return cut(line, columns);
  const tail = ending(span.text, Math.floor((columns - 1) / 2));
  const head = beginning(span.text, columns - 1 - widthOf(tail));
  return [{ ...span, text: `${head}…${tail}` }];
}

function start(line: Line, columns: number): Span[] {
  let left = columns;
  const taken: Span[] = [];
  for (const span of line) {
    const text = beginning(span.text, left);
    taken.push({ ...span, text });
    left -= widthOf(text);
    if (text.length < span.text.length) break;
  }
  return taken;
}

/** With spaces to so many columns. */
export function padded(line: Line, columns: number, align: 'left' | 'right' = 'left'): Line {
  const spaces = { text: ' '.repeat(Math.max(0, columns - lineWidth(line))) };
  return align === 'left' ? [...line, spaces] : [spaces, ...line];
}

/** Broken at spaces into lines of at most so many columns; a word that is longer is broken where it must be. */
export function wrappedLine(line: Line, columns: number): Line[] {
  const width = Math.max(2, columns);
  const lines: Span[][] = [[]];
  let used = 0;
  for (const { text, ...rest } of line) {
    for (const piece of text.split(/(?<= )(?=\S)/)) {
      let word = piece;
      if (used > 0 && used + widthOf(word.trimEnd()) > width) {
        lines.push([]);
        used = 0;
      }
      while (widthOf(word.trimEnd()) > width) {
        const head = beginning(word, width);
        lines.at(-1)?.push({ ...rest, text: head });
        // A cluster that is wider than the line is shown as what it is: too wide.
        if (head === '') word = '…';
        else {
          lines.push([]);
          word = word.slice(head.length);
        }
      }
      lines.at(-1)?.push({ ...rest, text: word });
      used += widthOf(word);
    }
  }
  return lines.map(trimmed);
}

/** Without spaces at its end. */
export function trimmed(line: Line): Line {
  const rest = [...line];
  for (let span = rest.pop(); span !== undefined; span = rest.pop()) {
    const text = span.text.trimEnd();
    if (text !== '') return [...rest, { ...span, text }];
  }
  return [];
}

/** Words of ours that belong together, as a figure and what it counts: no line ends between them. */
export function kept(words: string): string {
  return words.replaceAll(' ', NO_BREAK);
}

/** The text of lines, each ended. */
export function toText(lines: readonly Line[], paint: Paint = (_style, text) => text): string {
  return lines
    .map(
      (line) =>
        `${joined(line)
          .map((span) => painted(span, paint))
          .join('')}\n`,
    )
    .join('');
}

/** Neighbours of one style are one span: a colour is put on once. */
function joined(line: Line): Span[] {
  const spans: Span[] = [];
  for (const span of line) {
    const last = spans.at(-1);
    if (last !== undefined && last.style === span.style) last.text += span.text;
    else spans.push({ ...span });
  }
  return spans;
}

function painted({ text, style }: Span, paint: Paint): string {
  const shown = text.replaceAll(NO_BREAK, ' ');
  return style === undefined || shown === '' ? shown : paint(style, shown);
}
