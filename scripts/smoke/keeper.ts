/**
 * A program beside a smoke suite that ends whatever the suite has started: when the suite asks for it, and as well when
 * the suite is gone, however it went, which closes our standard input. Owns the order of that end. It is told by lines of
 * JSON (`keeper-protocol.ts`) and says in the end what had not ended by itself.
 */
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { startOf } from '../../system/process-identity.ts';
import { ToldSchema, type Ended } from './keeper-protocol.ts';
import { markedProcesses } from './marked-processes.ts';

/** A reporter gives its children 5 s between SIGTERM and SIGKILL. */
const TERM_LIMIT_MS = 8000;
/** What a program ends on its way out may still be there for a moment. */
const SWEEP_AFTER_MS = 1000;
const GONE_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 20;

type Known = { pid: number; start: string };

const run = process.argv[2] ?? '';
const programs: Known[] = [];
let folder: string | undefined;
let keepFolder = false;

// What ends a suite may be sent to its whole family: whoever cleans up goes last.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
process.stdout.on('error', () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const told = v.parse(ToldSchema, line);
  if (told.folder !== undefined) folder = told.folder;
  if (told.keepFolder !== undefined) keepFolder = told.keepFolder;
  if (told.pid === undefined) continue;
  const start = await startOf(told.pid);
  if (start !== undefined) programs.push({ pid: told.pid, start });
}

// The last first: a reporter's last words should find a hub.
for (const program of programs.toReversed()) await end(program);
const left = await sweep();
if (folder !== undefined && !keepFolder) await rm(folder, { recursive: true, force: true });
process.stdout.write(`${JSON.stringify({ left } satisfies Ended)}\n`);

async function end(program: Known): Promise<void> {
  for (const [name, limitMs] of [
    ['SIGTERM', TERM_LIMIT_MS],
    ['SIGKILL', GONE_WITHIN_MS],
  ] as const) {
    if (!(await isThere(program))) return;
    signal(program.pid, name);
    await goneWithin(limitMs, async () => !(await isThere(program)));
  }
}

async function isThere({ pid, start }: Known): Promise<boolean> {
  return (await startOf(pid)) === start;
}

/** Kills what is left of the run. @returns the ids of what had to be killed */
async function sweep(): Promise<number[]> {
  if (await goneWithin(SWEEP_AFTER_MS, async () => (await markedProcesses(run)).length === 0)) return [];
  const killed = new Set<number>();
  await goneWithin(GONE_WITHIN_MS, async () => {
    const found = await markedProcesses(run);
    for (const pid of found) {
      killed.add(pid);
      signal(pid, 'SIGKILL');
    }
    return found.length === 0;
  });
  return [...killed];
}

async function goneWithin(limitMs: number, isGone: () => Promise<boolean>): Promise<boolean> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await isGone())) {
    if (performance.now() > deadlineMs) return false;
    await sleep(LOOK_EVERY_MS);
  }
  return true;
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It has ended meanwhile: what was wanted.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
