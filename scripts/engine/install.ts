/**
 * Owns the installed llama-server in the project's cache folder: makes it once, tells whether it is there, and
 * never lets a half one be used. A tree counts only with its receipt, which is written last, after the server
 * has run from its final place; the receipt names that place, so a moved or copied cache is noticed.
 */
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { downloadPackages } from './debian-download.ts';
import { debianTarget } from './debian-target.ts';
import { layOut, SERVER_PATH, serverVersion } from './engine-layout.ts';
import { InstallError } from './install-error.ts';
import { acquireInstallLock } from './install-lock.ts';
import { CommandError } from './run-command.ts';

/** llama.cpp is in testing and unstable; unstable never drops a package for a transition. */
const SUITE = 'sid';
const RECEIPT = 'install.json';
const BUILD_PREFIX = 'llama.build-';

export interface InstalledServer {
  /** Absolute path of the executable. */
  binary: string;
  /** As the server says it, for example `0.7.0 (build 11669, commit Debian)`. */
  version: string;
}

export interface InstallOptions {
  /** The project's cache folder; the server goes to `llama` in it. */
  cacheDir: string;
  /** Install again although it is there. */
  force?: boolean;
  /** One line of progress. */
  log: (line: string) => void;
  signal?: AbortSignal;
}

/** The server that an earlier install left, if it still runs from where it was made for. */
export async function findInstalledServer(cacheDir: string): Promise<InstalledServer | undefined> {
  const prefix = join(resolve(cacheDir), 'llama');
  try {
    const receipt: unknown = JSON.parse(await readFile(join(prefix, RECEIPT), 'utf8'));
    const madeFor =
      typeof receipt === 'object' && receipt !== null && 'prefix' in receipt ? receipt.prefix : null;
    if (madeFor !== prefix) return undefined;
    return { binary: join(prefix, SERVER_PATH), version: await serverVersion(prefix) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof CommandError || isSystemError(error))
      return undefined;
    throw error;
  }
}

/** @throws InstallError where it cannot work on this machine. */
export async function installLlamaServer(options: InstallOptions): Promise<InstalledServer> {
  const cacheDir = resolve(options.cacheDir);
  try {
    return (await alreadyThere(options)) ?? (await installUnderLock({ ...options, cacheDir }));
  } catch (error) {
    // Ctrl-C reaches apt too, and its failure may be seen first.
    options.signal?.throwIfAborted();
    // A failing tool, a full disk or a read-only folder is the machine's doing; anything else is a bug.
    if (error instanceof CommandError || isSystemError(error)) {
      throw new InstallError(`llama-server could not be installed (${error.message})`, { cause: error });
    }
    throw error;
  }
}

async function alreadyThere({ cacheDir, force, log }: InstallOptions): Promise<InstalledServer | undefined> {
  const installed = force ? undefined : await findInstalledServer(cacheDir);
  if (installed) log(`llama-server ${installed.version} is already there: ${installed.binary}`);
  return installed;
}

async function installUnderLock(options: InstallOptions): Promise<InstalledServer> {
  const { cacheDir, log } = options;
  const target = debianTarget(process.platform, process.arch);
  await mkdir(cacheDir, { recursive: true });
  const lock = await acquireInstallLock(join(cacheDir, 'llama.lock'), log);
  try {
    // Whoever held the lock before may just have done it.
    const installed = await alreadyThere(options);
    if (installed) return installed;
    await removeLeftovers(cacheDir);
    const build = await mkdtemp(join(cacheDir, BUILD_PREFIX));
    try {
      return await buildAndSwapIn(options, build, target);
    } finally {
      await rm(build, { recursive: true, force: true });
    }
  } finally {
    await lock.release();
  }
}

/** Of installs that were killed; the lock says that none is running. */
async function removeLeftovers(cacheDir: string): Promise<void> {
  const leftovers = (await readdir(cacheDir)).filter((name) => name.startsWith(BUILD_PREFIX));
  await Promise.all(leftovers.map((name) => rm(join(cacheDir, name), { recursive: true, force: true })));
}

async function buildAndSwapIn(
  { cacheDir, log, signal }: InstallOptions,
  build: string,
  target: ReturnType<typeof debianTarget>,
): Promise<InstalledServer> {
  const packages = ['llama.cpp-tools', 'patchelf'];
  const finalPrefix = join(cacheDir, 'llama');
  const prefix = join(build, 'llama');
  const previous = join(build, 'previous');
  const { root, versions } = await downloadPackages({
    packages,
    purpose: 'llama-server',
    remedy: 'check the network and try again, or set LLAMA_SERVER_BIN to a llama-server of your own',
    suite: SUITE,
    target,
    folder: build,
    log,
    ...(signal ? { signal } : {}),
  });
  log(`unpacked ${Object.keys(versions).length} packages; making the server find its own libraries`);
  await layOut({ root, prefix, finalPrefix, target });

  const replaces = await renameIfThere(finalPrefix, previous);
  await rename(prefix, finalPrefix);
  try {
    const version = await serverVersion(finalPrefix);
    const receipt = { prefix: finalPrefix, version, architecture: target.architecture, packages: versions };
    await writeFile(join(finalPrefix, RECEIPT), `${JSON.stringify(receipt, undefined, 2)}\n`);
    log(`installed llama-server ${version}: ${join(finalPrefix, SERVER_PATH)}`);
    return { binary: join(finalPrefix, SERVER_PATH), version };
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
