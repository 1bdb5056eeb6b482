// Owns the ways from the client to an engine that the bench compares, their turns, and the load on each.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { MeasuredSchema, type Measured, type Order } from './order.ts';

export const WAYS = ['direct', 'gateway', 'nginx'] as const;
export type Way = (typeof WAYS)[number];

/** Where each way begins, and the processes of the proxies. */
export type Ways = {
  origins: Record<Way, string>;
  proxyPid: { gateway: number; nginx: number };
};

const LOAD = fileURLToPath(new URL('./load.ts', import.meta.url));
/** The kernel's unit of CPU time in /proc on every Linux that Node runs on. */
const TICK_US = 10_000;

/** Another way goes first each round: what warms up or tires favours none. */
export function inTurns(round: number): Way[] {
  return WAYS.map((_, index) => WAYS[(index + round) % WAYS.length] ?? 'direct');
}

export function perWay<T>(make: () => T): Record<Way, T> {
  return { direct: make(), gateway: make(), nginx: make() };
}

/** CPU time of a process so far, its kernel's part included, in microseconds. */
export async function cpuMicroseconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // Behind the name, which may hold anything: state is the third field, utime and stime are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** The load generator, a process of its own. */
export class Load {
  readonly #child = spawn(process.execPath, [LOAD], { stdio: ['pipe', 'pipe', 'inherit'] });
  readonly #lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();

  async carryOut(order: Order): Promise<Measured> {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the load generator ended; its last words are above');
    return v.parse(MeasuredSchema, JSON.parse(line.value));
  }

  async stop(): Promise<void> {
    await endProcess(this.#child);
  }
}

export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
