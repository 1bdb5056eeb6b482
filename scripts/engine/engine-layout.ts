/**
 * Owns how an installed server lies on disk: `bin/` with the server and, beside it where ggml looks for
 * them, the CPU backends; `lib/` with every library it needs, the dynamic loader included, so that it runs on
 * systems whose own C library is older. The loader's path must be absolute, so an install is made for one place.
 */
import { mkdir, readdir, realpath, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DebianProgram } from './debian-program.ts';
import type { DebianTarget } from './debian-target.ts';
import { InstallError } from './install-error.ts';
import { runCommand, type CommandOutput } from './run-command.ts';

const TOOL_TIMEOUT_MS = 60_000;
/** Debian bakes its own library folder into these; the C and C++ libraries have no search path to correct. */
const PATCHED_LIBRARIES = /^lib(llama|whisper|ggml|mtmd)/;

export interface Layout {
  program: DebianProgram;
  /** Where packages were unpacked. */
  root: string;
  /** Where the tree is laid out now. */
  prefix: string;
  /** Where it will be used. */
  finalPrefix: string;
  target: DebianTarget;
}

export function serverPath(prefix: string, { name }: DebianProgram): string {
  return join(prefix, 'bin', name);
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
export async function layOut({ program, root, prefix, finalPrefix, target }: Layout): Promise<void> {
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
  const server = serverPath(prefix, program);
  const patchelfFile = join(root, 'usr', 'bin', 'patchelf');
  await moveInto(bin, [join(root, 'usr', 'bin', program.name), ...backends]);
  if (program.onlyLinkedLibraries) {
    const linked = await linkedLibraries(unpacked, target, [
      server,
      patchelfFile,
      ...(await namesIn(bin, /\.so$/)),
    ]);
    await Promise.all([...linked].map(([name, file]) => rename(file, join(lib, name))));
  } else {
    await moveInto(lib, await namesIn(join(unpacked, 'llama'), /\.so(\.|$)/));
    await moveInto(lib, await namesIn(unpacked, /\.so(\.|$)/));
  }

  // patchelf comes from the same suite as the libraries, so it too needs their loader.
  const patchelf = (...args: string[]): Promise<unknown> =>
    runThroughLoader(prefix, 'lib', target, patchelfFile, args);
  const loader = join(finalPrefix, 'lib', target.loader);
  // RPATH, not RUNPATH, on the server: it also holds for the backends, which are opened while it runs.
  await patchelf('--set-interpreter', loader, '--force-rpath', '--set-rpath', '$ORIGIN/../lib', server);
  await patchelf('--set-rpath', '$ORIGIN', ...(await namesIn(lib, PATCHED_LIBRARIES)));
}

/** Runs a program of the unpacked suite with its own loader and libraries, wherever the tree lies. */
function runThroughLoader(
  folder: string,
  libraries: string,
  target: DebianTarget,
  file: string,
  args: readonly string[],
): Promise<CommandOutput> {
  const loader = join(folder, libraries, target.loader);
  // Relative, because a colon in an absolute path would split the search path.
  return runCommand(loader, ['--library-path', libraries, file, ...args], {
    cwd: folder,
    timeoutMs: TOOL_TIMEOUT_MS,
  });
}

/** Name → file of every library that the files are linked with, the loader included, as the loader finds them. */
async function linkedLibraries(
  unpacked: string,
  target: DebianTarget,
  files: readonly string[],
): Promise<Map<string, string>> {
  const linked = new Map([[target.loader, await realpath(join(unpacked, target.loader))]]);
  for (const file of files) {
    const { stdout } = await runCommand(
      join(unpacked, target.loader),
      ['--library-path', '.', '--list', file],
      { cwd: unpacked, timeoutMs: TOOL_TIMEOUT_MS },
    );
    for (const [, name = ''] of stdout.matchAll(/^\s*(\S+) => \.\//gm)) {
      linked.set(name, await realpath(join(unpacked, name)));
    }
  }
  return linked;
}

/** What the server says of its version, undefined where it says none; throws if it does not run. */
export async function serverVersion(prefix: string, program: DebianProgram): Promise<string | undefined> {
  const server = serverPath(prefix, program);
  const { args, pattern } = program.probe;
  // Without the caller's environment: LLAMA_ARG_* variables are options.
  const output = await runCommand(server, args, { env: { LC_ALL: 'C' }, timeoutMs: TOOL_TIMEOUT_MS });
  const said = pattern.exec(`${output.stdout}\n${output.stderr}`);
  if (said === null)
    throw new InstallError(`${server} runs, but does not answer ${args.join(' ')} as it should`);
  return said[1];
}
