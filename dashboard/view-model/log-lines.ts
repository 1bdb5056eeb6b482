// Owns what the log drawer holds: bounded lines, what is held back while somebody reads further up, and what is missing.

/** More lines than anybody scrolls through; older ones are let go, and the log itself keeps them. */
export const LINES_MAX = 2000;

/** A `note` is the page's own word between the lines: something is missing here, or the stream is another one. */
export type LogEntry = { key: number; kind: 'line' | 'note'; text: string };

export type LogLines = {
  shown: readonly LogEntry[];
  /** What came while paused, oldest first; bounded too. */
  held: readonly LogEntry[];
  paused: boolean;
  nextKey: number;
};

export type LogNews =
  /** `resumed` where these are the first lines after the stream was lost: what is known already is not shown twice. */
  | { kind: 'lines'; lines: readonly string[]; resumed?: boolean }
  | { kind: 'note'; text: string }
  | { kind: 'pause' }
  | { kind: 'resume' }
  | { kind: 'clear' };

export const NO_LINES: LogLines = { shown: [], held: [], paused: false, nextKey: 0 };

export function withNews(log: LogLines, news: LogNews): LogLines {
  switch (news.kind) {
    case 'lines':
      return added(log, 'line', news.resumed === true ? withoutKnown(log, news.lines) : news.lines);
    case 'note':
      return added(log, 'note', [news.text]);
    case 'pause':
      return log.paused ? log : { ...log, paused: true };
    case 'resume':
      return { ...log, paused: false, shown: bounded([...log.shown, ...log.held]), held: [] };
    case 'clear':
      return { ...NO_LINES, paused: log.paused, nextKey: log.nextKey };
    default:
      return news satisfies never;
  }
}

/** `37 new lines`; undefined while nothing is held back. */
export function heldWords({ held }: LogLines): string | undefined {
  if (held.length === 0) return undefined;
  const count = held.length >= LINES_MAX ? `${LINES_MAX} or more` : String(held.length);
  return `${count} new ${held.length === 1 ? 'line' : 'lines'}`;
}

/** The lines as they would be in the file: what is copied. */
export function logText({ shown, held }: LogLines): string {
  return [...shown, ...held].map(({ kind, text }) => (kind === 'note' ? `[${text}]` : text)).join('\n');
}

/** Colours and movements of a terminal, which a page does not have. */
// oxlint-disable-next-line no-control-regex -- they begin with one.
const TERMINAL = /\u001B\[[0-9;?]*[ -/]*[@-~]/g;
const CONTROL = /[^\P{Cc}\t]/gu;

/** A line as it is read: without what steers a terminal. */
export function plainLine(text: string): string {
  return text.replace(TERMINAL, '').replace(CONTROL, '\uFFFD');
}

/** What `dropped` says in a stream. */
export function droppedWords(lines: number): string {
  return `${lines} ${lines === 1 ? 'line is' : 'lines are'} missing here: the log was faster than its way`;
}

function added(log: LogLines, kind: LogEntry['kind'], texts: readonly string[]): LogLines {
  if (texts.length === 0) return log;
  const entries = texts.map((text, index) => ({ key: log.nextKey + index, kind, text }));
  const nextKey = log.nextKey + entries.length;
  if (log.paused) return { ...log, held: bounded([...log.held, ...entries]), nextKey };
  return { ...log, shown: bounded([...log.shown, ...entries]), nextKey };
}

function bounded(entries: readonly LogEntry[]): readonly LogEntry[] {
  return entries.length <= LINES_MAX ? entries : entries.slice(-LINES_MAX);
}

/** A stream that begins again tells its last lines again: those that are the last ones known are left out. */
function withoutKnown({ shown, held }: LogLines, lines: readonly string[]): readonly string[] {
  const known = [...shown, ...held].filter(({ kind }) => kind === 'line').map(({ text }) => text);
  for (let count = Math.min(known.length, lines.length); count > 0; count -= 1) {
    const from = known.length - count;
    if (lines.slice(0, count).every((line, index) => line === known[from + index])) return lines.slice(count);
  }
  return lines;
}
