/**
 * Owns the choice of the engine that the project runs: a llama-server that the user names, one on the PATH, the
 * one in the project's cache, one installed now; and only where that cannot work the stub, with the reason.
 * Does not start it.
 */
import { access, constants, stat } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InstallError } from './install-error.ts';
import {
  findInstalledServer,
  installLlamaServer,
  type InstalledServer,
  type InstallOptions,
} from './install.ts';

export type Engine =
  | { kind: 'llama.cpp'; binary: string; source: 'LLAMA_SERVER_BIN' | 'PATH' | 'cache' | 'installed' }
  | { kind: 'stub'; command: string; args: string[]; reason: string };

export interface FindEngineOptions {
  env: NodeJS.ProcessEnv;
  /** The project's cache folder; an installed server lies in `llama` in it. */
  cacheDir: string;
  log: (line: string) => void;
  signal?: AbortSignal;
  /** What installs a missing server; a test hands in one that cannot. */
  install?: (options: InstallOptions) => Promise<InstalledServer>;
}

/** Why `path` cannot be run, in words that follow its name; undefined if it can. */
async function whyNotRunnable(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return 'cannot be found';
  if (!found.isFile()) return 'is not a file';
  return access(path, constants.X_OK).then(
    () => undefined,
    () => 'is not executable',
  );
}

async function findOnPath(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    // An empty entry means the working directory to a shell; running what lies there is no service.
    if (folder === '') continue;
    const candidate = resolve(folder, name);
    if ((await whyNotRunnable(candidate)) === undefined) return candidate;
  }
  return undefined;
}

/** @throws Error if LLAMA_SERVER_BIN is set and cannot be run: what a user names is never silently replaced. */
export async function findEngine(options: FindEngineOptions): Promise<Engine> {
  const { env, cacheDir, log, signal, install = installLlamaServer } = options;
  const named = env['LLAMA_SERVER_BIN'];
  if (named !== undefined && named !== '') {
    const binary = resolve(named);
    const obstacle = await whyNotRunnable(binary);
    if (obstacle === undefined) return { kind: 'llama.cpp', binary, source: 'LLAMA_SERVER_BIN' };
    throw new Error(
      `LLAMA_SERVER_BIN names ${binary}, which ${obstacle}; correct it, or unset it to have one found`,
    );
  }
  const onPath = await findOnPath('llama-server', env['PATH'] ?? '');
  if (onPath !== undefined) return { kind: 'llama.cpp', binary: onPath, source: 'PATH' };
  const cached = await findInstalledServer(cacheDir);
  if (cached) return { kind: 'llama.cpp', binary: cached.binary, source: 'cache' };
  try {
    const { binary } = await install({ cacheDir, log, ...(signal ? { signal } : {}) });
    return { kind: 'llama.cpp', binary, source: 'installed' };
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    return { ...stubEngine(), reason: error.message };
  }
}

/** How the stub is started; the caller appends llama-server's options. */
export function stubEngine(): { kind: 'stub'; command: string; args: string[] } {
  const program = fileURLToPath(new URL('./stub-llama-server.ts', import.meta.url));
  return { kind: 'stub', command: process.execPath, args: [program] };
}
