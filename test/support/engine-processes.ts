// Owns looking at the engines of one fleet as the system sees them, so that a test can claim that there was never a second.

import { readdir, readFile } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import { signalGroup } from '../../reporter/supervisor/child.ts';

const LOOK_EVERY_MS = 20;

/**
 * Process ids of what runs with this port in its command line, wrappers included; a zombie has none. Of a process group
 * the leader counts: a shell that is about to run a command is two processes of one command line for a moment.
 */
export async function enginesOn(port: number): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const words = (await textOf(`/proc/${entry}/cmdline`)).split('\0');
    const at = words.indexOf('--port');
    if (at < 0 || words[at + 1] !== String(port) || !words.includes('-m')) continue;
    const stat = await textOf(`/proc/${entry}/stat`);
    if (stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2] === entry) found.push(Number(entry));
  }
  return found;
}

/** Empty where the process has ended meanwhile. */
async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

/** Ends whatever engine is left on this port, with all that it has started. */
export async function endEngines(port: number): Promise<void> {
  for (const pid of await enginesOn(port)) signalGroup(pid, 'SIGKILL');
}

/** Looks again and again until the returned function is called, which tells the most that were seen at once. */
export function countEngines(port: number): () => Promise<number> {
  const over = new AbortController();
  const watching = mostUntil(port, over.signal);
  onTestFinished(() => over.abort());
  return () => {
    over.abort();
    return watching;
  };
}

async function mostUntil(port: number, over: AbortSignal): Promise<number> {
  let most = 0;
  while (!over.aborted) {
    most = Math.max(most, (await enginesOn(port)).length);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return most;
}
