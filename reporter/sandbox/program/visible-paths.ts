// Owns which of the host's files a server must see to run: its program with its libraries, and the files that its
// arguments and variables name. Everything else of a host is not there for it.

import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { findProgram, type HostFiles } from './host-files.ts';

export type Launch = {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
};

/** Shown to every sandbox: programs and libraries of the system. */
export const SYSTEM_FOLDERS = ['/usr', '/opt', '/nix/store', '/gnu/store'];
/** Links into /usr on most systems, folders of their own on some. */
export const SYSTEM_LINKS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** Never shown because an argument names something in them: the sandbox has its own. */
const OWN_FOLDERS = /^\/(dev|proc|sys|run)(\/|$)/;
/** Too much to show because one file in it is needed; such a folder is shown only where the manifest says so. */
const BROAD =
  /^\/(|home|home\/[^/]+|Users|Users\/[^/]+|root|etc|var|var\/(lib|tmp)|tmp|mnt|media|srv|opt|usr|boot|run|dev|proc|sys)$/;
/** A model may lie in several files beside each other, of which an argument names the first. */
const MODEL_FILE = /\.(gguf|ggml|bin|onnx|safetensors|pt|pth)$/i;
/** A program installed under a prefix finds its libraries and data beside its `bin`. */
const PREFIX_FOLDERS = ['lib', 'lib64', 'libexec', 'share'];

/**
 * The paths to show read-only.
 * @param shownAnyway folders in which everything is seen without being named.
 */
export function visiblePaths(
  { command, args, env, cwd }: Launch,
  host: HostFiles,
  shownAnyway: readonly string[],
): string[] {
  const paths = new Set<string>();
  const programs = new Set<string>();
  const path = env['PATH'] ?? '';
  showProgram(command);
  for (const word of args) {
    // `--model=/models/x.gguf` names a file as `--model /models/x.gguf` does.
    showNamed(word.startsWith('-') && word.includes('=') ? word.slice(word.indexOf('=') + 1) : word);
  }
  for (const [name, value] of Object.entries(env)) {
    if (name !== 'PATH' && name !== 'HOME') for (const part of value.split(':')) showAbsolute(part);
  }
  return [...paths].filter((shown) => !isInside(shown, shownAnyway)).toSorted();

  function showNamed(word: string): void {
    if (word === '' || word.startsWith('-')) return;
    const file = resolve(cwd, word);
    if (OWN_FOLDERS.test(file)) return;
    const kind = host.kindOf(file);
    if (kind === 'file') showFile(file);
    if (kind === 'folder') showFolder(file);
  }

  function showAbsolute(word: string): void {
    if (word.startsWith('/')) showNamed(word);
  }

  function showFile(file: string): void {
    const folder = dirname(file);
    if (MODEL_FILE.test(file) && !isBroad(folder)) showFolder(folder);
    else paths.add(file);
  }

  /** Model caches hold links to files that lie elsewhere: what they lead to is shown too. */
  function showFolder(folder: string): void {
    if (isBroad(folder)) return;
    paths.add(folder);
    for (const name of host.namesIn(folder)) {
      const entry = join(folder, name);
      if (host.linkAt(entry) === undefined) continue;
      const real = host.realPath(entry);
      if (host.kindOf(real) === 'file' && !OWN_FOLDERS.test(real)) paths.add(real);
    }
  }

  function showProgram(name: string): void {
    const file = findProgram(name, path, cwd, host);
    if (file === undefined || programs.has(file)) return;
    programs.add(file);
    for (const place of new Set([file, host.realPath(file)])) showPrefix(place);
    const line = host.interpreterLine(file)?.trim().split(/\s+/) ?? [];
    // `#!/usr/bin/env python` names its interpreter in the second word.
    const interpreter = basename(line[0] ?? '') === 'env' ? line[1] : line[0];
    if (interpreter !== undefined) showProgram(interpreter);
  }

  function showPrefix(file: string): void {
    const folder = dirname(file);
    const prefix = dirname(folder);
    if (basename(folder) !== 'bin') {
      if (isBroad(folder)) paths.add(file);
      else paths.add(folder);
    } else if (isBroad(prefix) || basename(prefix) === '.local') {
      paths.add(folder);
      for (const name of PREFIX_FOLDERS.slice(0, 2)) {
        if (host.kindOf(join(prefix, name)) === 'folder') paths.add(join(prefix, name));
      }
    } else {
      paths.add(prefix);
    }
  }
}

export function isBroad(folder: string): boolean {
  return BROAD.test(folder) || folder === homedir();
}

export function isInside(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}
