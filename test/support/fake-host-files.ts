// Owns a host's files for a test of a decision about them: a table of paths, each a file, a folder, a script or a link.

import { dirname } from 'node:path';
import type { HostFiles } from '../../reporter/sandbox/program/host-files.ts';

/** `''` a file, `'/'` a folder, `'#!…'` a script, `'-> PATH'` a link; the folders above each are there too. */
export function fakeHostFiles(entries: Readonly<Record<string, string>>): HostFiles {
  const all = new Map(Object.entries(entries));
  for (const path of Object.keys(entries)) {
    for (let folder = dirname(path); !all.has(folder); folder = dirname(folder)) all.set(folder, '/');
  }
  const linkAt = (path: string): string | undefined => {
    const entry = all.get(path);
    return entry?.startsWith('-> ') === true ? entry.slice(3) : undefined;
  };
  const realPath = (path: string): string => linkAt(path) ?? path;
  return {
    linkAt,
    realPath,
    kindOf(path) {
      const entry = all.get(realPath(path));
      if (entry === undefined) return undefined;
      return entry === '/' ? 'folder' : 'file';
    },
    namesIn: (path) =>
      [...all.keys()]
        .filter((other) => other !== path && dirname(other) === path)
        .map((other) => other.slice(path === '/' ? 1 : path.length + 1)),
    interpreterLine(path) {
      const entry = all.get(realPath(path));
      return entry?.startsWith('#!') === true ? entry.slice(2) : undefined;
    },
  };
}
