// Owns that no workerd outlives its hub: a watcher ends it when the hub is gone, and a hub that starts looks once more.

import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { EXIT, HubError, isSystemError } from './hub-error.ts';
import { startOf } from '../system/process-identity.ts';

const RECORD_FILE = 'workerd.json';
const RecordSchema = v.pipe(v.string(), v.parseJson(), v.object({ pid: v.number(), start: v.string() }));

const GONE_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 20;

/** Notes which workerd this folder's hub has started. */
export async function recordWorkerd(dataDir: string, pid: number): Promise<void> {
  const start = await startOf(pid);
  if (start === undefined) return;
  await writeFile(join(dataDir, RECORD_FILE), JSON.stringify({ pid, start }), { mode: 0o600 });
}

/** Ends the workerd that a hub left behind here. To be called while the data folder is held. */
export async function endOrphan(dataDir: string): Promise<void> {
  const record = await recordedWorkerd(dataDir);
  if (record === undefined) return;
  const isAlive = async (): Promise<boolean> => (await startOf(record.pid)) === record.start;
  if (!(await isAlive())) return;
  try {
    process.kill(record.pid, 'SIGKILL');
  } catch (error) {
    if (!isSystemError(error, 'ESRCH')) throw error;
  }
  const deadline = Date.now() + GONE_WITHIN_MS;
  while (await isAlive()) {
    if (Date.now() > deadline) {
      throw new HubError(
        EXIT.dataInUse,
        `process ${record.pid} of an earlier hub does not end: end it by hand`,
      );
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/**
 * Starts a shell that waits until this process is gone, which closes its standard input, and then ends `pid`. It costs
 * a page of memory and needs nothing of the platform beyond a POSIX shell.
 */
export function watchOver(pid: number): ChildProcess {
  const watcher = spawn('/bin/sh', ['-c', 'read -r _; kill -KILL "$1"', 'sh', String(pid)], {
    // Its own group: what kills ours must not kill the one that cleans up.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.on('error', (error) => {
    process.stderr.write(
      `arw-hub: no watcher (${error.message}); end workerd by hand if this hub is killed\n`,
    );
  });
  return watcher;
}

async function recordedWorkerd(dataDir: string): Promise<v.InferOutput<typeof RecordSchema> | undefined> {
  try {
    const parsed = v.safeParse(RecordSchema, await readFile(join(dataDir, RECORD_FILE), 'utf8'));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
