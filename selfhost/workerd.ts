// Owns the workerd process of a hub: found, started, asked whether it answers, ended.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { portInUse, spell, type Address } from './address.ts';
import { EXIT, HubError } from './hub-error.ts';
import { recordWorkerd, watchOver } from './orphan.ts';

/** The line on the control descriptor that tells the port. */
const ListenSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ event: v.literal('listen'), socket: v.literal('http'), port: v.number() }),
);

const READY_WITHIN_MS = 30_000;
const ASK_EVERY_MS = 20;
const ASK_WITHIN_MS = 2000;

/** It tells with each start that V8 was given flags, and so compiles what it has compiled otherwise: nothing to do. */
const TOLD_OF_FLAGS = /per-isolate bootstrap compile cache failed its compatibility check/;

/** workerd lets open requests end, but an open uplink never does: everything that was answered is on disk by now. */
const DRAIN_MS = 1000;

export type Workerd = {
  url: string;
  /** Resolves with a sentence when it ends without being asked to. */
  died: Promise<string>;
  stop: () => Promise<void>;
};

/** Serves the configuration until stopped; resolves once it answers. @throws HubError, or why `signal` was aborted. */
export async function startWorkerd(
  configPath: string,
  dataDir: string,
  address: Address,
  signal: AbortSignal,
): Promise<Workerd> {
  const args = ['serve', configPath, '-s', `http=${spell(address)}`, '--control-fd=3'];
  const child = spawn(workerdBinary(), args, {
    cwd: dataDir,
    // Its own group: a Ctrl-C reaches the hub alone, which then ends it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const exited = ended(child);
  const told = passOnLog(child);
  const watcher = child.pid === undefined ? undefined : watchOver(child.pid);
  if (child.pid !== undefined) await recordWorkerd(dataDir, child.pid);

  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await Promise.race([exited, sleep(DRAIN_MS, undefined, { ref: false })]);
    child.kill('SIGKILL');
    await exited;
    watcher?.kill('SIGKILL');
  };
  const failed = exited.then((how) => {
    watcher?.kill('SIGKILL');
    throw told.some((line) => /address already in use/i.test(line))
      ? portInUse(address)
      : new HubError(EXIT.failed, `workerd ended (${how})${told.length > 0 ? `: ${told.at(-1)}` : ''}`);
  });
  try {
    const url = `http://${spell({ ...address, port: await Promise.race([listening(child, signal), failed]) })}`;
    await Promise.race([answering(url, signal), failed]);
    return { url, died: exited.then((how) => `workerd ended by itself (${how})`), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function workerdBinary(): string {
  try {
    const found: unknown = createRequire(import.meta.url)('workerd');
    return v.parse(v.object({ default: v.string() }), found).default;
  } catch (error) {
    throw new HubError(EXIT.failed, 'workerd is not installed for this machine: npm install workerd', {
      cause: error,
    });
  }
}

async function ended(child: ChildProcess): Promise<string> {
  try {
    // Not 'exit': its last words are read by then.
    await once(child, 'close');
    return child.signalCode ?? `exit code ${child.exitCode}`;
  } catch (error) {
    // It could not be started at all.
    return error instanceof Error ? error.message : String(error);
  }
}

/** Passes the lines of workerd on to stderr, and keeps the last ones to tell why it ended. */
function passOnLog(child: ChildProcess): string[] {
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (TOLD_OF_FLAGS.test(line)) return;
      last.push(line);
      if (last.length > 20) last.shift();
      process.stderr.write(`${line}\n`);
    });
  }
  return last;
}

async function listening(child: ChildProcess, signal: AbortSignal): Promise<number> {
  const control = child.stdio[3];
  if (!(control instanceof Readable)) throw new Error('workerd was started without its control descriptor');
  for await (const line of createInterface({ input: control, signal })) {
    const parsed = v.safeParse(ListenSchema, line);
    if (parsed.success) return parsed.output.port;
  }
  // The descriptor closes when the process ends: that it did is told by the one who waits beside us. An abort closes the
  // reader, so it may have come already.
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

async function answering(url: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  let reason: unknown;
  while (Date.now() < deadline) {
    signal.throwIfAborted();
    try {
      const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(ASK_WITHIN_MS) });
      if (answer.ok) return;
      reason = `it answers ${answer.status}`;
    } catch (error) {
      reason = error;
    }
    await sleep(ASK_EVERY_MS);
  }
  throw new HubError(EXIT.failed, `the hub at ${url} does not answer: ${String(reason)}`);
}
