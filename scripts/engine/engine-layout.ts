/**
 * Owns how an installed llama-server lies on disk: `bin/` with the server and, beside it where ggml looks for
 * them, the CPU backends; `lib/` with every library it needs, the dynamic loader included, so that it runs on
 * systems whose own C library is older. The loader's path must be absolute, so an install is made for one place.
 */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DebianTarget } from './debian-target.ts';
import { InstallError } from './install-error.ts';
import { runCommand } from './run-command.ts';

export const SERVER_PATH = join('bin', 'llama-server');

const TOOL_TIMEOUT_MS = 60_000;
/** Debian bakes its own library folder into these; the C and C++ libraries have no search path to correct. */
const PATCHED_LIBRARIES = /^lib(llama|ggml|mtmd)/;

export interface Layout {
  /** Where packages were unpacked. */
  root: string;
  /** Where the tree is laid out now. */
  prefix: string;
  /** Where it will be used. */
  finalPrefix: string;
  target: DebianTarget;
}

async function namesIn(folder: string, pattern: RegExp): Promise<string[]> {
  const entries = await readdir(folder).catch((cause: unknown) => {
    throw new InstallError(`Debian's packages no longer have a folder ${basename(folder)}`, { cause });
  });
  return entries.filter((name) => pattern.test(name)).map((name) => join(folder, name));
}

async function moveInto(folder: string, paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rename(path, join(folder, basename(path)))));
}

/** Moves what is needed out of the unpacked packages and makes it find its own loader and libraries. */
export async function layOut({ root, prefix, finalPrefix, target }: Layout): Promise<void> {
  const unpacked = join(root, 'usr', 'lib', target.libraryFolder);
  const bin = join(prefix, 'bin');
  const lib = join(prefix, 'lib');
  await mkdir(bin, { recursive: true });
  await mkdir(lib, { recursive: true });

  const ggml = join(unpacked, 'ggml');
  const backendFolders = await namesIn(ggml, /^backends/);
  const backends = (
    await Promise.all(backendFolders.map((folder) => namesIn(folder, /^libggml-cpu.*\.so$/)))
  ).flat();
  if (backends.length === 0)
    throw new InstallError("Debian's ggml no longer has CPU backends where they were");
  await moveInto(bin, [...(await namesIn(join(root, 'usr', 'bin'), /^llama-server$/)), ...backends]);
  await moveInto(lib, await namesIn(join(unpacked, 'llama'), /\.so(\.|$)/));
  await moveInto(lib, await namesIn(unpacked, /\.so(\.|$)/));

  // patchelf comes from the same suite as the libraries, so it too needs their loader.
  const patchelf = (...args: string[]): Promise<unknown> =>
    runThroughLoader(prefix, target, join(root, 'usr', 'bin', 'patchelf'), args);
  const loader = join(finalPrefix, 'lib', target.loader);
  // RPATH, not RUNPATH, on the server: it also holds for the backends, which are opened while it runs.
  const server = join(prefix, SERVER_PATH);
  await patchelf('--set-interpreter', loader, '--force-rpath', '--set-rpath', '$ORIGIN/../lib', server);
  await patchelf('--set-rpath', '$ORIGIN', ...(await namesIn(lib, PATCHED_LIBRARIES)));
}

/** Runs a program of the unpacked suite with its own loader and libraries, wherever the tree lies. */
function runThroughLoader(
  prefix: string,
  target: DebianTarget,
  file: string,
  args: string[],
): Promise<unknown> {
  const loader = join(prefix, 'lib', target.loader);
  // Relative, because a colon in an absolute path would split the search path.
  return runCommand(loader, ['--library-path', 'lib', file, ...args], {
    cwd: prefix,
    timeoutMs: TOOL_TIMEOUT_MS,
  });
}

/** What the server says of its version; throws if it does not run. */
export async function serverVersion(prefix: string): Promise<string> {
  const server = join(prefix, SERVER_PATH);
  // Without the caller's environment: LLAMA_ARG_* variables are options.
  const output = await runCommand(server, ['--version'], {
    env: { LC_ALL: 'C' },
    timeoutMs: TOOL_TIMEOUT_MS,
  });
  const version = /^version: (.+)$/m.exec(`${output.stdout}\n${output.stderr}`)?.[1];
  if (version === undefined) throw new InstallError(`${server} runs, but does not say its version`);
  return version;
}
