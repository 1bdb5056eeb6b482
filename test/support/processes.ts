// Owns looking at the system's processes, so that a test can claim that none was left behind.

import { readdir, readFile } from 'node:fs/promises';

/** Command lines of running processes that hold `text`; a zombie has none and does not count. */
export async function processesWith(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    const commandLine = await commandLineOf(entry);
    if (commandLine.includes(text)) found.push(`${entry} ${commandLine}`);
  }
  return found;
}

async function commandLineOf(pid: string): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
  } catch {
    // It ended between the listing and the look: it is not running.
    return '';
  }
}
