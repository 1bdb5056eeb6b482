// Owns how a time is written in a terminal.

/** An RFC 3339 time without its fraction: nobody reads milliseconds, and a line has 80 columns. */
export function toSeconds(timestamp: string): string {
  return timestamp.replace(/\.\d+Z$/, 'Z');
}
