/**
 * Owns an installed server in the project's cache folder: makes it once, tells whether it is there, and
 * never lets a half one be used. A tree counts only with its receipt, which is written last, after the server
 * has run from its final place; the receipt names that place, so a moved or copied cache is noticed.
 */
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { downloadPackages } from './debian-download.ts';
import { LLAMA_SERVER, type DebianProgram } from './debian-program.ts';
import { debianTarget } from './debian-target.ts';
import { layOut, serverPath, serverVersion } from './engine-layout.ts';
import { InstallError } from './install-error.ts';
import { acquireInstallLock } from './install-lock.ts';
import { CommandError } from './run-command.ts';

/** llama.cpp is in testing and unstable; unstable never drops a package for a transition. */
const SUITE = 'sid';
const RECEIPT = 'install.json';

export interface InstalledServer {
  /** Absolute path of the executable. */
  binary: string;
  /** As the server says it, for example `0.7.0 (build 11669, commit Debian)`, else that of its package. */
  version: string;
}

export interface InstallOptions {
  /** The project's cache folder; the server goes to a folder of its own in it. */
  cacheDir: string;
  /** Install again although it is there. */
  force?: boolean;
  /** One line of progress. */
  log: (line: string) => void;
  signal?: AbortSignal;
}

/** The server that an earlier install left, if it still runs from where it was made for. */
export async function findInstalledServer(
  cacheDir: string,
  program: DebianProgram = LLAMA_SERVER,
): Promise<InstalledServer | undefined> {
  const prefix = join(resolve(cacheDir), program.folder);
  try {
    const receipt: unknown = JSON.parse(await readFile(join(prefix, RECEIPT), 'utf8'));
    if (memberOf(receipt, 'prefix') !== prefix) return undefined;
    const version = (await serverVersion(prefix, program)) ?? memberOf(receipt, 'version') ?? 'unknown';
    return { binary: serverPath(prefix, program), version };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof CommandError || isSystemError(error))
      return undefined;
    throw error;
  }
}

function memberOf(receipt: unknown, name: string): string | undefined {
  if (typeof receipt !== 'object' || receipt === null) return undefined;
  const value: unknown = Object.entries(receipt).find(([key]) => key === name)?.[1];
  return typeof value === 'string' ? value : undefined;
}

/** @throws InstallError where it cannot work on this machine. */
export function installLlamaServer(options: InstallOptions): Promise<InstalledServer> {
  return installServer(LLAMA_SERVER, options);
}

/** @throws InstallError where it cannot work on this machine. */
export async function installServer(
  program: DebianProgram,
  options: InstallOptions,
): Promise<InstalledServer> {
  const cacheDir = resolve(options.cacheDir);
  try {
    return (
      (await alreadyThere(program, options)) ?? (await installUnderLock(program, { ...options, cacheDir }))
    );
  } catch (error) {
    // Ctrl-C reaches apt too, and its failure may be seen first.
    options.signal?.throwIfAborted();
    if (error instanceof InstallError) throw error.advising(program.remedy);
    // A failing tool, a full disk or a read-only folder is the machine's doing; anything else is a bug.
    if (error instanceof CommandError || isSystemError(error)) {
      throw new InstallError(`${program.name} could not be installed (${error.message})`, {
        remedy: program.remedy,
        cause: error,
      });
    }
    throw error;
  }
}

async function alreadyThere(
  program: DebianProgram,
  { cacheDir, force, log }: InstallOptions,
): Promise<InstalledServer | undefined> {
  const installed = force ? undefined : await findInstalledServer(cacheDir, program);
  if (installed) log(`${program.name} ${installed.version} is already there: ${installed.binary}`);
  return installed;
}

async function installUnderLock(program: DebianProgram, options: InstallOptions): Promise<InstalledServer> {
  const { cacheDir, log } = options;
  const target = debianTarget(process.platform, process.arch);
  await mkdir(cacheDir, { recursive: true });
  const lock = await acquireInstallLock(join(cacheDir, `${program.folder}.lock`), log);
  try {
    // Whoever held the lock before may just have done it.
    const installed = await alreadyThere(program, options);
    if (installed) return installed;
    const buildPrefix = `${program.folder}.build-`;
    await removeLeftovers(cacheDir, buildPrefix);
    const build = await mkdtemp(join(cacheDir, buildPrefix));
    try {
      return await buildAndSwapIn(program, options, build, target);
    } finally {
      await rm(build, { recursive: true, force: true });
    }
  } finally {
    await lock.release();
  }
}

/** Of installs that were killed; the lock says that none is running. */
async function removeLeftovers(cacheDir: string, buildPrefix: string): Promise<void> {
  const leftovers = (await readdir(cacheDir)).filter((name) => name.startsWith(buildPrefix));
  await Promise.all(leftovers.map((name) => rm(join(cacheDir, name), { recursive: true, force: true })));
}

async function buildAndSwapIn(
  program: DebianProgram,
  { cacheDir, log, signal }: InstallOptions,
  build: string,
  target: ReturnType<typeof debianTarget>,
): Promise<InstalledServer> {
  const packages = [program.package, 'patchelf'];
  const finalPrefix = join(cacheDir, program.folder);
  const prefix = join(build, program.folder);
  const previous = join(build, 'previous');
  const { root, versions } = await downloadPackages({
    packages,
    purpose: program.name,
    remedy: `check the network and try again, or ${program.remedy}`,
    suite: SUITE,
    target,
    folder: build,
    log,
    ...(signal ? { signal } : {}),
  });
  log(`unpacked ${Object.keys(versions).length} packages; making the server find its own libraries`);
  await layOut({ program, root, prefix, finalPrefix, target });

  const replaces = await renameIfThere(finalPrefix, previous);
  await rename(prefix, finalPrefix);
  try {
    const version = (await serverVersion(finalPrefix, program)) ?? versions[program.package] ?? 'unknown';
    const receipt = { prefix: finalPrefix, version, architecture: target.architecture, packages: versions };
    await writeFile(join(finalPrefix, RECEIPT), `${JSON.stringify(receipt, undefined, 2)}\n`);
    const binary = serverPath(finalPrefix, program);
    log(`installed ${program.name} ${version}: ${binary}`);
    return { binary, version };
  } catch (error) {
    await rm(finalPrefix, { recursive: true, force: true });
    if (replaces) await rename(previous, finalPrefix);
    throw error;
  }
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return false;
    throw error;
  }
}

/** An error of the operating system (a full disk, a missing right), as Node reports it. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
