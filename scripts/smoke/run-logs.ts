// Owns the logs of a run: what hub and reporter say, one file each, and their last lines for a terminal that has no files.

import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ProgramName } from '../fleet/fleet.ts';

const LAST_LINES = 15;

export class RunLogs {
  readonly #folder: string;
  readonly #files = new Map<ProgramName, WriteStream>();
  readonly #last = new Map<ProgramName, string[]>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  note(program: ProgramName, line: string): void {
    this.#file(program).write(`${line}\n`);
    const last = this.#last.get(program) ?? [];
    this.#last.set(program, [...last, line].slice(-LAST_LINES));
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#files.values()].map(async (file) => {
        if (file.destroyed) return;
        const closed = once(file, 'close');
        file.end();
        await closed;
      }),
    );
  }

  lastLines(): string {
    return [...this.#last]
      .map(([program, lines]) => `--- the last of ${program}.log\n${lines.join('\n')}\n`)
      .join('');
  }

  #file(program: ProgramName): WriteStream {
    const open = this.#files.get(program);
    if (open !== undefined) return open;
    const file = createWriteStream(join(this.#folder, `${program}.log`), { mode: 0o600 });
    // A full disk costs the log, not the run.
    file.on('error', () => undefined);
    this.#files.set(program, file);
    return file;
  }
}
