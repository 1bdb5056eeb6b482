/**
 * Owns the private apt call: fetches packages of one of Debian's suites and unpacks them into a folder.
 * Nothing of the system changes: lists, cache, state and status are files of this call, an ordinary user can
 * run it, and signatures are checked with the system's own Debian keyring.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findKeyring, findMirrors, type DebianTarget } from './debian-target.ts';
import { InstallError } from './install-error.ts';
import { CommandError, runCommand } from './run-command.ts';

const TRIES = 3;
const RETRY_DELAY_MS = 1_000;
/** 30 MB of lists and packages on a slow line; a dead connection ends earlier, by apt's own limit. */
const APT_TIMEOUT_MS = 5 * 60_000;

export interface DownloadRequest {
  packages: readonly string[];
  /** What they are for, as a failure names it. */
  purpose: string;
  /** What to do where they cannot be had. */
  remedy: string;
  /** A name of the suite under the mirror's `dists/`. */
  suite: string;
  target: DebianTarget;
  /** An empty folder; apt's files go to `apt`, the unpacked packages to `root`. */
  folder: string;
  log: (line: string) => void;
  signal?: AbortSignal;
}

export interface Download {
  root: string;
  /** Package name → Debian version. */
  versions: Record<string, string>;
}

/**
 * Read after the system's configuration, from which it inherits proxies and nothing that would act: no hooks,
 * no pins, no foreign architectures. With an empty status file apt resolves the whole closure.
 */
function aptConfiguration(folder: string, { architecture }: DebianTarget): string {
  return [
    ...[
      'APT::Architectures',
      'APT::Update::Pre-Invoke',
      'APT::Update::Post-Invoke',
      'APT::Update::Post-Invoke-Success',
    ].map((name) => `#clear ${name};`),
    `APT::Architecture "${architecture}";`,
    `APT::Architectures { "${architecture}"; };`,
    'APT::Install-Recommends "0";',
    'APT::Default-Release "";',
    'APT::Get::AllowUnauthenticated "0";',
    'Acquire::AllowInsecureRepositories "0";',
    'Acquire::AllowWeakRepositories "0";',
    'Acquire::AllowDowngradeToInsecureRepositories "0";',
    // A mirror that fails now and then must end the try, not leave an old list in use.
    'APT::Update::Error-Mode "any";',
    'Acquire::Languages "none";',
    // The tries are counted, and told, here.
    'Acquire::Retries "0";',
    'Acquire::http::Timeout "30";',
    'Acquire::https::Timeout "30";',
    // As root, apt would download as another user, who cannot write into this folder.
    'APT::Sandbox::User "root";',
    'Debug::NoLocking "1";',
    `Dir::State "${folder}/state";`,
    `Dir::State::status "${folder}/status";`,
    `Dir::Cache "${folder}/cache";`,
    `Dir::Log "${folder}/log";`,
    `Dir::Etc::sourcelist "${folder}/mirror.sources";`,
    'Dir::Etc::sourceparts "/dev/null";',
    'Dir::Etc::preferences "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
    '',
  ].join('\n');
}

function sourceList(
  mirror: string,
  keyring: string | undefined,
  { suite, target: { architecture } }: DownloadRequest,
): string {
  return [
    'Types: deb',
    `URIs: ${mirror}`,
    `Suites: ${suite}`,
    'Components: main',
    `Architectures: ${architecture}`,
    'Targets: Packages',
    ...(keyring === undefined ? [] : [`Signed-By: ${keyring}`]),
    '',
  ].join('\n');
}

/** `llama.cpp-tools_1%3a0.7.0+dfsg-2_amd64.deb` → name and version. */
function nameAndVersion(file: string): [string, string] {
  const [name = file, version = ''] = file.split('_');
  return [name, decodeURIComponent(version)];
}

/** Fetches the packages and all they need from the first of apt's Debian mirrors that has them. */
export async function downloadPackages(request: DownloadRequest): Promise<Download> {
  const { packages, purpose, remedy, suite, target, folder, log, signal } = request;
  const apt = join(folder, 'apt');
  const archives = join(apt, 'cache', 'archives');
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  const options = { env, timeoutMs: APT_TIMEOUT_MS, ...(signal ? { signal } : {}) };
  const mirrors = await findMirrors(env);
  const keyring = await findKeyring();

  await mkdir(join(apt, 'state', 'lists', 'partial'), { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  await writeFile(join(apt, 'status'), '');
  await writeFile(join(apt, 'apt.conf'), aptConfiguration(apt, target));
  const aptGet = (...args: string[]): Promise<unknown> =>
    runCommand('apt-get', ['-q', '-c', join(apt, 'apt.conf'), ...args], options);

  /** Both steps, since a mirror may change between them: then the old list names files that are gone. */
  const fetchFrom = async (mirror: string): Promise<void> => {
    await writeFile(join(apt, 'mirror.sources'), sourceList(mirror, keyring, request));
    await aptGet('update');
    await aptGet('install', '-y', '--download-only', ...packages);
  };

  let failure: CommandError | undefined;
  for (const mirror of mirrors) {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      if (attempt > 1) await delay(RETRY_DELAY_MS * (attempt - 1), undefined, signal ? { signal } : {});
      log(`fetching Debian packages of suite ${suite}: ${packages.join(', ')} (try ${attempt} of ${TRIES})`);
      try {
        await fetchFrom(mirror);
        return await unpack(archives, join(folder, 'root'), options);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        failure = error;
        log(error.message);
      }
    }
  }
  throw new InstallError(
    `the packages of ${purpose} could not be fetched (${failure?.message ?? 'no mirror'})`,
    { remedy, cause: failure },
  );
}

async function unpack(archives: string, root: string, options: { timeoutMs: number }): Promise<Download> {
  const files = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  for (const file of files) await runCommand('dpkg-deb', ['--extract', join(archives, file), root], options);
  return { root, versions: Object.fromEntries(files.map(nameAndVersion)) };
}
