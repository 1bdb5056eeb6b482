// Owns a reporter's log for tests: what was said is kept, and printed nowhere.

import type { Log } from '../../reporter/log.ts';

export class RecordedLog implements Log {
  readonly lines: string[] = [];

  info(message: string): void {
    this.lines.push(`info ${message}`);
  }

  warn(message: string): void {
    this.lines.push(`warn ${message}`);
  }

  error(message: string): void {
    this.lines.push(`error ${message}`);
  }

  text(): string {
    return this.lines.join('\n');
  }
}
