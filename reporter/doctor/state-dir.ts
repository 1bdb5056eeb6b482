// Owns the look at the state directory: can it be written, is there room, and who uses it now.

import { access, constants, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, messageOf } from '../errors.ts';
import { lockHolder } from '../lock.ts';
import { fail, ok, warn, type Finding } from './finding.ts';

const CHECK = 'state';
/** A runtime keeps about two logs of 8 MB, the rest is small. */
const FREE_FAIL_BYTES = 50e6;
const FREE_WARN_BYTES = 500e6;
const NAME_ANOTHER = 'change its owner or mode, or name another one with --state-dir or ARW_STATE_DIR';

export async function checkStateDir(stateDir: string): Promise<Finding[]> {
  const there = await nearest(stateDir);
  const fault = await writeFault(there, stateDir);
  if (fault !== undefined) return [fault];
  const isNew = there !== stateDir;
  return [
    ok(CHECK, isNew ? `${stateDir} can be made` : `${stateDir} can be written`),
    ...(isNew ? [] : await modeFinding(stateDir)),
    await room(there),
    await lock(stateDir),
  ];
}

async function writeFault(there: string, stateDir: string): Promise<Finding | undefined> {
  try {
    if (there !== stateDir) {
      await access(there, constants.W_OK | constants.X_OK);
      return undefined;
    }
    const trial = join(stateDir, `doctor-${process.pid}`);
    await writeFile(trial, 'written by arw-reporter doctor\n', { mode: 0o600 });
    await rm(trial);
    return undefined;
  } catch (error) {
    return fail(CHECK, `${there} cannot be written (${messageOf(error)})`, NAME_ANOTHER);
  }
}

async function modeFinding(stateDir: string): Promise<Finding[]> {
  const open = (await stat(stateDir)).mode & 0o077;
  if (open === 0) return [];
  return [
    warn(CHECK, `${stateDir} is open to other users`, `it holds the node's token: chmod 700 ${stateDir}`),
  ];
}

async function room(there: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(there);
  const freeBytes = bavail * bsize;
  const what = `${(freeBytes / 1e9).toFixed(1)} GB free`;
  const remedy = 'make room, or name another --state-dir: a full disk stops logs and the command journal';
  if (freeBytes < FREE_FAIL_BYTES) return fail('disk', what, remedy);
  return freeBytes < FREE_WARN_BYTES ? warn('disk', what, remedy) : ok('disk', what);
}

async function lock(stateDir: string): Promise<Finding> {
  const pid = await lockHolder(stateDir).catch(() => undefined);
  return ok('reporter', pid === undefined ? 'none runs here now' : `runs here as process ${pid}`);
}

/** The directory itself, or the nearest one above it that there is. */
async function nearest(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) return path;
    return nearest(dirname(path));
  }
}
