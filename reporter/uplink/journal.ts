// Owns the memory of carried-out commands: on disk before anything happens, so that none takes effect twice.

import { mkdir, open, readFile, rename, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { CommandErrorSchema } from '../../contract/command.ts';
import type { Outcome } from '../supervisor/state.ts';
import { codeOf } from '../errors.ts';

/** The hub forgets a command sooner, so a longer memory would remember what nobody can send again. */
export const KEEP_MS = 48 * 3600 * 1000;

const OutcomeSchema = v.variant('ok', [
  v.object({ ok: v.literal(true), result: v.record(v.string(), v.unknown()) }),
  v.object({ ok: v.literal(false), error: CommandErrorSchema }),
]);
const EntrySchema = v.object({
  id: v.string(),
  at: v.number(),
  event: v.picklist(['begun', 'done']),
  outcome: v.optional(OutcomeSchema),
});
type Entry = v.InferOutput<typeof EntrySchema>;

const INTERRUPTED: Outcome = {
  ok: false,
  error: {
    reason: 'interrupted',
    message: 'The reporter ended while it carried this out; look at the runtime and ask again if need be',
  },
};

export class CommandJournal {
  readonly #entries: Map<string, Entry>;
  readonly #file: FileHandle;

  private constructor(entries: Map<string, Entry>, file: FileHandle) {
    this.#entries = entries;
    this.#file = file;
  }

  /** Loads what is there, drops what is old, and counts what was left half done as interrupted. */
  static async open(stateDir: string, nowMs: number): Promise<CommandJournal> {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const path = join(stateDir, 'commands.ndjson');
    const entries = new Map<string, Entry>();
    for (const entry of await readEntries(path)) {
      if (entry.at + KEEP_MS > nowMs) entries.set(entry.id, entry);
    }
    for (const [id, entry] of entries) {
      if (entry.event === 'begun') entries.set(id, { id, at: entry.at, event: 'done', outcome: INTERRUPTED });
    }
    await replaceFile(path, [...entries.values()].map(line).join(''));
    return new CommandJournal(entries, await open(path, 'a', 0o600));
  }

  /** How the command ended; `begun` while it is under way; undefined where it was never seen. */
  find(id: string): Outcome | 'begun' | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    return entry.event === 'begun' ? 'begun' : (entry.outcome ?? INTERRUPTED);
  }

  /** Remembers that the command is about to happen. @throws when that cannot be written: then it must not happen. */
  async begin(id: string, nowMs: number): Promise<void> {
    const entry: Entry = { id, at: nowMs, event: 'begun' };
    this.#entries.set(id, entry);
    try {
      await this.#append(entry);
    } catch (error) {
      this.#entries.delete(id);
      throw error;
    }
  }

  /** Remembers the outcome: in memory at once, on disk when this resolves. */
  async finish(id: string, outcome: Outcome, nowMs: number): Promise<void> {
    const entry: Entry = { id, at: nowMs, event: 'done', outcome };
    this.#entries.set(id, entry);
    await this.#append(entry);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #append(entry: Entry): Promise<void> {
    // On a line of its own: what a full disk left of the one before must not swallow this one.
    await this.#file.appendFile(`\n${line(entry)}`);
    await this.#file.datasync();
  }
}

function line(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`;
}

async function readEntries(path: string): Promise<Entry[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
  // A line cut short by a crash is the last one, and what it told had not begun.
  return text.split('\n').flatMap((record) => {
    try {
      const parsed = v.safeParse(EntrySchema, JSON.parse(record));
      return parsed.success ? [parsed.output] : [];
    } catch {
      return [];
    }
  });
}

async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.new`;
  await writeFile(draft, text, { mode: 0o600, flush: true });
  await rename(draft, path);
}
