// Owns the data folder: where it is, who may look into it, and that one hub at a time uses it.

import { chmod, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EXIT, HubError } from './hub-error.ts';

const LOCK_FILE = 'lock.sqlite';

export function defaultDataDir(env: Readonly<Record<string, string | undefined>>): string {
  const base = env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share');
  return join(base, 'runtime-matrix', 'hub');
}

export type DataDir = { path: string; release: () => void };

/** Makes the folder where it is not there, and holds it until `release`. @throws HubError where that cannot be. */
export async function openDataDir(path: string): Promise<DataDir> {
  const dataDir = resolve(path);
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await chmod(dataDir, 0o700);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HubError(EXIT.refused, `the data folder ${dataDir} cannot be used: ${reason}`, {
      cause: error,
    });
  }
  return { path: dataDir, release: lock(dataDir) };
}

/**
 * SQLite's exclusive lock: taken in one step, and given back by the system when the process is gone, however it went.
 */
function lock(dataDir: string): () => void {
  const database = new DatabaseSync(join(dataDir, LOCK_FILE), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!(error instanceof Error) || !/locked/.test(error.message)) throw error;
    throw new HubError(
      EXIT.dataInUse,
      `another hub runs on ${dataDir}: stop it first, or give another --data`,
      {
        cause: error,
      },
    );
  }
  return () => database.close();
}
