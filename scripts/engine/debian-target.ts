/**
 * Owns what the installer must know about a Debian system before it asks apt for anything: the names that
 * depend on the architecture, the mirrors in use, and the keyring that signatures are checked with.
 */
import { access, constants, readFile, readdir } from 'node:fs/promises';
import { InstallError } from './install-error.ts';
import { CommandError, runCommand } from './run-command.ts';

/** Names that differ between the architectures for which Debian builds ggml with CPU backends. */
export interface DebianTarget {
  architecture: 'amd64' | 'arm64';
  /** Folder of the libraries, below `usr/lib`. */
  libraryFolder: string;
  /** The dynamic loader, in that folder. */
  loader: string;
}

const TARGETS: Partial<Record<NodeJS.Architecture, DebianTarget>> = {
  x64: { architecture: 'amd64', libraryFolder: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { architecture: 'arm64', libraryFolder: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
};

export function debianTarget(platform: NodeJS.Platform, architecture: NodeJS.Architecture): DebianTarget {
  if (platform !== 'linux') {
    throw new InstallError(`the server is installed from Debian packages, and this system is ${platform}`);
  }
  const target = TARGETS[architecture];
  if (!target)
    throw new InstallError(`Debian's server is installed on x64 and arm64 only, not ${architecture}`);
  return target;
}

const SUITES = ['stable', 'oldstable', 'testing', 'unstable', 'sid'];
const LISTING_TIMEOUT_MS = 30_000;
const MIRROR_FORMAT = '$(SITE)\t$(RELEASE)\t$(ORIGIN)';

/**
 * The mirrors of Debian's main archive among apt's sources, best first, from lines in the format above. apt
 * knows the origin only of lists that it has fetched; where it leaves `$(ORIGIN)` as it stands (a fresh
 * container), a source of a Debian system counts if it is named like one of Debian's suites.
 */
export function debianMirrors(listing: string, osRelease: string): string[] {
  const isDebian = /^ID="?debian"?$/m.test(osRelease);
  const codename = codenameIn(osRelease);
  const suites = codename === undefined ? SUITES : [...SUITES, codename];
  const known: string[] = [];
  const foreign: string[] = [];
  const likely: string[] = [];
  for (const [site = '', release = '', origin = ''] of listing.split('\n').map((line) => line.split('\t'))) {
    // The security archive lives beside the main one and has no unstable suite; neither has a CD.
    if (site === '' || site.startsWith('cdrom:') || release.endsWith('-security')) continue;
    if (origin === 'Debian') known.push(site);
    else if (origin !== '$(ORIGIN)') foreign.push(site);
    else if (isDebian && suites.includes(release.replace(/-.*$/, ''))) likely.push(site);
  }
  const unknown = likely.filter((site) => !foreign.includes(site));
  return [...new Set([...known, ...unknown])];
}

async function readOsRelease(): Promise<string> {
  try {
    return await readFile('/etc/os-release', 'utf8');
  } catch (cause) {
    throw new InstallError('this system does not say in /etc/os-release that it is Debian', { cause });
  }
}

/** The suite that this system is; unstable has no codename in every release of it. */
export async function systemSuite(): Promise<string> {
  return codenameIn(await readOsRelease()) ?? 'sid';
}

function codenameIn(osRelease: string): string | undefined {
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(osRelease)?.[1];
}

async function indexTargets(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout } = await runCommand('apt-get', ['indextargets', ...args], {
      env,
      timeoutMs: LISTING_TIMEOUT_MS,
    });
    return stdout;
  } catch (cause) {
    if (!(cause instanceof CommandError && cause.notFound)) throw cause;
    throw new InstallError('the server is installed from Debian packages, and this system has no apt-get', {
      cause,
    });
  }
}

export async function findMirrors(env: NodeJS.ProcessEnv): Promise<string[]> {
  const release = await readOsRelease();
  const listing = (...flags: string[]): Promise<string> =>
    indexTargets([...flags, '--format', MIRROR_FORMAT, 'Created-By: Packages'], env);
  // The first listing knows origins, but leaves out what has not been fetched yet; the second has all.
  const mirrors = debianMirrors(`${await listing()}\n${await listing('--no-release-info')}`, release);
  if (mirrors.length === 0)
    throw new InstallError('none of the sources that apt uses here is a Debian mirror');
  return mirrors;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring';
const KEYRING_EXTENSIONS = ['gpg', 'pgp'];
const TRUSTED_PARTS = '/etc/apt/trusted.gpg.d';

/** The keyring to name in the source list; undefined where apt's own trusted parts hold Debian's keys. */
export async function findKeyring(): Promise<string | undefined> {
  for (const extension of KEYRING_EXTENSIONS) {
    const path = `${KEYRING}.${extension}`;
    const readable = await access(path, constants.R_OK).then(
      () => true,
      () => false,
    );
    if (readable) return path;
  }
  const parts = await readdir(TRUSTED_PARTS).catch(() => []);
  if (parts.some((name) => name.startsWith('debian-archive-'))) return undefined;
  throw new InstallError(`Debian's keys are neither in ${KEYRING}.gpg nor in ${TRUSTED_PARTS}`, {
    remedy: 'install the package debian-archive-keyring',
  });
}
