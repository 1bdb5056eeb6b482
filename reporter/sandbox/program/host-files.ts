// Owns reading what the host has, for the decision of what a sandbox shows of it.

import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

export type HostFiles = {
  kindOf(path: string): 'file' | 'folder' | 'device' | undefined;
  /** Where a link leads; undefined where it is none. */
  linkAt(path: string): string | undefined;
  /** The path without links; the path itself where nothing is there. */
  realPath(path: string): string;
  /** The names in a folder; none where it cannot be read. */
  namesIn(path: string): string[];
  /** The interpreter's line of a script, without `#!`; undefined where it is none. */
  interpreterLine(path: string): string | undefined;
};

const INTERPRETER_LINE_BYTES = 256;

export const THIS_HOST: HostFiles = {
  kindOf: (path) =>
    orUndefined(() => {
      const found = statSync(path);
      return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'device';
    }),
  linkAt: (path) => orUndefined(() => (lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined)),
  realPath: (path) => orUndefined(() => realpathSync(path)) ?? path,
  namesIn: (path) => orUndefined(() => readdirSync(path)) ?? [],
  interpreterLine: (path) => orUndefined(() => firstLine(path)),
};

function firstLine(path: string): string | undefined {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(INTERPRETER_LINE_BYTES);
    const text = buffer.toString('utf8', 0, readSync(file, buffer));
    return text.startsWith('#!') ? text.slice(2).split('\n')[0] : undefined;
  } finally {
    closeSync(file);
  }
}

/** What cannot be looked at is not shown: the server then says what it misses. */
function orUndefined<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    // Missing, forbidden, or a loop of links.
    return undefined;
  }
}

/** Where a program is; undefined where none is found. */
export function findProgram(
  name: string,
  path: string,
  cwd: string,
  { kindOf }: Pick<HostFiles, 'kindOf'>,
): string | undefined {
  if (name.includes('/')) {
    const file = resolve(cwd, name);
    return kindOf(file) === 'file' ? file : undefined;
  }
  const folders = path.split(':').filter((folder) => folder.startsWith('/'));
  return folders.map((folder) => join(folder, name)).find((file) => kindOf(file) === 'file');
}
