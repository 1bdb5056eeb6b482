// Owns that one reporter at a time speaks for a node: two would start every runtime twice.

import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { startOf } from '../system/process-identity.ts';
import { ConfigError } from './config.ts';
import { codeOf, messageOf } from './errors.ts';

/**
 * Makes the folder and those above it. Node's own recursive `mkdir` never returns where a parent such as /proc takes
 * no folders and says that they do not exist.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && dirname(path) !== path) {
      await makeFolder(dirname(path));
      await mkdir(path, { mode: 0o700 });
    } else if (codeOf(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) {
      throw error;
    }
  }
}

const HolderSchema = v.pipe(v.string(), v.parseJson(), v.object({ pid: v.number(), start: v.string() }));

/**
 * Holds the state directory for this process until the returned function is called. A lock whose holder is gone,
 * by process id and start time, is taken over.
 * @throws ConfigError where another reporter holds it, or the directory cannot be written.
 */
export async function lockStateDir(stateDir: string): Promise<() => Promise<void>> {
  const path = join(stateDir, 'reporter.lock');
  const start = await startOf(process.pid);
  const text = JSON.stringify({ pid: process.pid, start: start ?? '' });
  try {
    await makeFolder(stateDir);
    for (;;) {
      if (await create(path, text)) return () => rm(path, { force: true });
      const holder = await holderOf(path);
      if (holder !== undefined && (await startOf(holder.pid)) === holder.start) {
        throw new ConfigError(
          `another reporter (process ${holder.pid}) runs on ${stateDir}; stop that one, or name another --state-dir`,
        );
      }
      await rm(path, { force: true });
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(
      `${stateDir} cannot be written (${messageOf(error)}); name another one with --state-dir`,
      { cause: error },
    );
  }
}

/** The process that holds the state directory now; undefined where none does. */
export async function lockHolder(stateDir: string): Promise<number | undefined> {
  const holder = await holderOf(join(stateDir, 'reporter.lock'));
  return holder !== undefined && (await startOf(holder.pid)) === holder.start ? holder.pid : undefined;
}

async function create(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined where the lock vanished meanwhile, or cannot be read as one. */
async function holderOf(path: string): Promise<v.InferOutput<typeof HolderSchema> | undefined> {
  try {
    const parsed = v.safeParse(HolderSchema, await readFile(path, 'utf8'));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
