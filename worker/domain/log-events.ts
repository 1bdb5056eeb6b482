// Owns how the lines of a log are written to a reader: as events while it follows, as text where it does not.

import type { LogEnd } from '../../contract/logs.ts';

/** A comment: it keeps proxies from closing a quiet stream, and finds out that a reader has gone. */
export const KEEP_ALIVE = ': still here\n\n';

/** @param id the number of the line in this reading; where lines were dropped, numbers are missing. */
export function logEvent(id: number, line: string): string {
  return `event: log\nid: ${id}\ndata: ${oneLine(line)}\n\n`;
}

export function droppedEvent(lines: number): string {
  return `event: dropped\ndata: ${JSON.stringify({ lines })}\n\n`;
}

/** The last event of a stream; one that ends without it was cut. */
export function endEvent(end: LogEnd): string {
  return `event: end\ndata: ${JSON.stringify(end)}\n\n`;
}

export function textLine(line: string): string {
  return `${oneLine(line)}\n`;
}

export function droppedText(lines: number): string {
  return `[${lines} ${lines === 1 ? 'line' : 'lines'} left out here: more than fits]\n`;
}

/** A reporter sends no line ends; whatever else speaks for a node must not be able to write events. */
function oneLine(line: string): string {
  return line.replace(/[\r\n]+/g, ' ');
}
