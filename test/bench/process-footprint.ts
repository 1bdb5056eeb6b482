// Owns what one process costs at a moment, from the kernel's own files: memory that is its alone, memory, CPU time.

import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';

export type Footprint = {
  atMs: number;
  anonymousBytes: number;
  residentBytes: number;
  /** User and system time since the process started, without its children. */
  cpuSeconds: number;
};

/** @throws where the process is gone, or the system has no /proc. */
export async function footprintOf(pid: number): Promise<Footprint> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name: string): number => {
    const text = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1];
    if (text === undefined) throw new Error(`/proc/${pid}/smaps_rollup has no ${name}`);
    return Number(text) * 1024;
  };
  return {
    atMs: performance.now(),
    anonymousBytes: kib('Anonymous'),
    residentBytes: kib('Rss'),
    cpuSeconds: await cpuSecondsOf(pid),
  };
}

export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold spaces: counted from its end, utime and stime are the 12th and 13th fields.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond();
}

/** The direct children of a process whose name is `name`. */
export async function childrenNamed(pid: number, name: string): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim();
  const pids = children === '' ? [] : children.split(' ').map(Number);
  const names = await Promise.all(pids.map((child) => readFile(`/proc/${child}/comm`, 'utf8')));
  return pids.filter((_child, index) => names[index]?.trim() === name);
}

let ticks: number | undefined;
function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticks;
}
