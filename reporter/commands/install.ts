// Owns `arw-reporter install`: the reporter as a service of systemd, written down and, where asked for, started.

import { execFile } from 'node:child_process';
import { chown, mkdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError, readHub, readPlace, type Environment, type Flags } from '../config.ts';
import { loadCredentials } from '../credentials.ts';
import { codeOf, messageOf } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { loadManifest, ManifestError } from '../manifest.ts';
import { keyVariablesOf, planInstall, UNIT, type Plan, type PlannedFile } from '../install/plan.ts';
import type { Account } from '../install/unit.ts';
import { makeFolder } from '../lock.ts';

export type InstallFlags = Flags & {
  user?: boolean;
  system?: boolean;
  runAs?: string;
  dryRun?: boolean;
  force?: boolean;
  now?: boolean;
};

/** What sd_booted(3) looks at. */
const SYSTEMD_RUNS = '/run/systemd/system';

/** Returns the exit code. @throws ConfigError */
export async function installCommand(flags: InstallFlags): Promise<number> {
  const scope = flags.system === true ? 'system' : 'user';
  const account = scope === 'system' ? await accountOf(flags) : undefined;
  const env = process.env;
  // A system service belongs to no home: its files are where the system keeps such.
  const flagsOfScope = scope === 'system' ? withSystemPlaces(flags) : flags;
  const { node, manifestPath, stateDir } = readPlace(flagsOfScope, env);
  const hub = readHub(flags, env);
  const keys = await keyVariables(manifestPath);
  const plan = planInstall({
    scope,
    node,
    hub,
    manifestPath,
    stateDir,
    configHome: env['XDG_CONFIG_HOME'] || join(homedir(), '.config'),
    program: [process.execPath, await realpath(process.argv[1] ?? '')],
    account,
    env: flags.dryRun === true ? withoutValues(env, keys) : env,
    enrolled: (await loadCredentials(stateDir, hub, node)) !== undefined,
    keyVariables: keys,
  });
  if (flags.dryRun === true) {
    say(
      `# ${plan.unit.path}\n${plan.unit.text}\n# ${plan.environment.path} (mode 600)\n${plan.environment.text}`,
    );
    return EXIT.ok;
  }
  if (scope === 'system' && process.getuid?.() !== 0)
    return refuse('--system writes to /etc: run it with sudo');
  for (const file of [plan.unit, plan.environment]) {
    if (flags.force !== true && (await differs(file))) {
      return refuse(
        `${file.path} is there and differs; --force replaces it, --dry-run shows what would be written`,
      );
    }
  }
  if (flags.force !== true && !(await exists(SYSTEMD_RUNS))) {
    return refuse(
      'this host does not run systemd; start "arw-reporter run" by what it has instead (--dry-run shows the unit)',
    );
  }
  return write(plan, { stateDir, account, now: flags.now === true });
}

async function write(
  plan: Plan,
  { stateDir, account, now }: { stateDir: string; account: Account | undefined; now: boolean },
): Promise<number> {
  try {
    // What is written here holds no secret but in files of mode 600, and the account must get to its folder.
    process.umask(0o022);
    await mkdir(dirname(stateDir), { recursive: true });
    // A unit whose writable path is missing does not start.
    await makeFolder(stateDir);
    if (account !== undefined) await chown(stateDir, account.uid, account.gid);
    for (const file of [plan.environment, plan.unit]) {
      await put(file);
      say(`wrote ${file.path}`);
    }
    const hasKeys = plan.missingKeys.length === 0;
    if (!now || !hasKeys) say(`next:\n${plan.next.map((line) => `  ${line}`).join('\n')}`);
    if (!now) return EXIT.ok;
    if (!hasKeys) {
      const keys = plan.missingKeys.join(', ');
      return refuse(`it is not started: ${plan.environment.path} lacks ${keys}; do what is next`);
    }
    for (const [command = '', ...args] of plan.activate) await promisify(execFile)(command, args);
    say(`${UNIT} is enabled and started; "arw-reporter status" tells how it fares`);
    return EXIT.ok;
  } catch (error) {
    return refuse(`it could not be installed: ${messageOf(error).trim()}`);
  }
}

/** @throws ConfigError */
async function accountOf({ runAs }: InstallFlags): Promise<Account> {
  const name = runAs ?? process.env['SUDO_USER'];
  if (name === undefined) {
    throw new ConfigError('a system service needs an account to run as; name one with --run-as USER');
  }
  // Its database may be a directory service, which only the system's own tool asks.
  const entry = await promisify(execFile)('getent', ['passwd', name]).catch(() => ({ stdout: '' }));
  const [, , uid, gid, , home] = entry.stdout.trim().split(':');
  if (uid !== undefined && gid !== undefined && home !== undefined) {
    return { name, uid: Number(uid), gid: Number(gid), home };
  }
  throw new ConfigError(
    `there is no account "${name}" on this host; make it (useradd --system), or name another`,
  );
}

/** What is shown shows no key. */
function withoutValues(env: Environment, names: readonly string[]): Environment {
  const set = names.filter((name) => env[name] !== undefined && env[name].trim() !== '');
  return { ...env, ...Object.fromEntries(set.map((name) => [name, '...'])) };
}

/** None where the manifest is not written yet, or has a fault, which a start and "doctor" tell. */
async function keyVariables(manifestPath: string): Promise<string[]> {
  try {
    return keyVariablesOf(await loadManifest(manifestPath));
  } catch (error) {
    if (error instanceof ManifestError) return [];
    throw error;
  }
}

function withSystemPlaces(flags: InstallFlags): Flags {
  const { node } = readPlace(flags, process.env);
  const { ARW_MANIFEST: manifest, ARW_STATE_DIR: stateDir } = process.env;
  return {
    ...flags,
    manifest: flags.manifest ?? manifest ?? '/etc/runtime-matrix/runtimes.toml',
    stateDir: flags.stateDir ?? stateDir ?? `/var/lib/runtime-matrix/${node}`,
  };
}

/** Whole or not at all: systemd may read it at any time. */
async function put({ path, text, mode }: PlannedFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, text, { mode });
  await rename(`${path}.new`, path);
}

async function differs({ path, text }: PlannedFile): Promise<boolean> {
  try {
    return (await readFile(path, 'utf8')) !== text;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function refuse(message: string): number {
  process.stderr.write(`arw-reporter: ${message}\n`);
  return EXIT.failed;
}
