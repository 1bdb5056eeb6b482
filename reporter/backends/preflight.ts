// Owns the checks before a launch: is the program there, the model, the folder, and is the port free.

import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { LaunchSpec } from '../supervisor/child.ts';
import { listenerOn } from '../../system/listeners.ts';
import { codeOf } from '../errors.ts';

const CONNECT_TIMEOUT_MS = 500;

/** Why this program cannot be spawned; undefined where it can. */
export async function commandFault(spec: LaunchSpec): Promise<string | undefined> {
  if (spec.workdir !== undefined && !(await isDirectory(spec.workdir))) {
    return `Working directory ${spec.workdir} does not exist; create it or change process.workdir`;
  }
  if (!spec.command.includes('/')) {
    const path = spec.env['PATH'] ?? process.env['PATH'] ?? '';
    for (const directory of path.split(delimiter)) {
      if (directory !== '' && (await isExecutable(join(directory, spec.command)))) return undefined;
    }
    return `Program ${spec.command} is not on the PATH; install it or give its full path in process.command`;
  }
  const file = isAbsolute(spec.command) ? spec.command : resolve(spec.workdir ?? '.', spec.command);
  if (await isExecutable(file)) return undefined;
  return (
    (await fileFault(file, 'Program', 'process.command')) ?? `Program ${file} is not executable; chmod +x it`
  );
}

/** Why a file cannot be read; undefined where it can. `key` is where the manifest names it. */
export async function fileFault(file: string, what: string, key: string): Promise<string | undefined> {
  try {
    await access(file, constants.R_OK);
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EACCES') return `${what} ${file} may not be read by this user; change its mode or owner`;
    return `${what} ${file} does not exist; put it there or change ${key}`;
  }
}

/** Why a folder cannot be used; undefined where it can. `key` is where the manifest names it. */
export async function directoryFault(path: string, what: string, key: string): Promise<string | undefined> {
  return (await isDirectory(path)) ? undefined : `${what} ${path} is no folder; create it or change ${key}`;
}

/** Why a server could not bind here: somebody answers already. Undefined where nobody does. */
export async function portFault(host: string, port: number): Promise<string | undefined> {
  if (!(await answers(host, port))) return undefined;
  const holder = await listenerOn(host, port);
  const by = holder === undefined ? 'another process' : `process ${holder.pid} (${holder.program})`;
  return `Port ${port} on ${host} is in use by ${by}; stop that one or choose another port`;
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host, port });
    const finish = (connected: boolean): void => {
      socket.destroy();
      done(connected);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('connect', () => finish(true));
  });
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    // Missing and forbidden alike: not something we can start; the caller words it.
    return false;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // As above: the caller words it.
    return false;
  }
}
