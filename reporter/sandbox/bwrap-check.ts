// Owns whether bubblewrap works on this host, and what to do where it does not.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { codeOf, messageOf } from '../errors.ts';

/** What every sandbox does, around a program that does nothing. */
const TRIAL = ['--ro-bind', '/', '/', '--unshare-all', '--proc', '/proc', '--dev', '/dev', '--', 'true'];
const TRIAL_TIMEOUT_MS = 5_000;
/** A launch that is blocked is tried again every 15 s: what was mended counts at the next. */
const TRUSTED_FOR_MS = 10_000;

const MENDS = [
  {
    file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: '1',
    mend: 'give bwrap an AppArmor profile that allows userns, or: sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  },
  {
    file: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: '0',
    mend: 'sysctl kernel.unprivileged_userns_clone=1',
  },
  {
    file: '/proc/sys/user/max_user_namespaces',
    forbids: '0',
    mend: 'sysctl user.max_user_namespaces=15000',
  },
];

let known: { faults: string[]; atMs: number } | undefined;

/** Reasons why bubblewrap cannot be used, each saying what to do; tried at most once in 10 s. */
export async function bwrapFaults(): Promise<string[]> {
  if (known === undefined || Date.now() - known.atMs > TRUSTED_FOR_MS) {
    const fault = await tryBwrap('bwrap');
    known = { faults: fault === undefined ? [] : [fault], atMs: Date.now() };
  }
  return known.faults;
}

/** Why `program` cannot make a sandbox; undefined where it can. */
export async function tryBwrap(program: string, mends = MENDS): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return `Sandbox bwrap needs Linux, this is ${process.platform}; use sandbox container or none`;
  }
  try {
    await promisify(execFile)(program, TRIAL, { timeout: TRIAL_TIMEOUT_MS });
    return undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      return 'Sandbox bwrap needs bubblewrap; install it (Debian: apt-get install bubblewrap)';
    }
    const said = stderrOf(error) ?? messageOf(error).split('\n')[0] ?? '';
    for (const { file, forbids, mend } of mends) {
      if ((await settingIn(file)) === forbids) return `Sandbox bwrap is forbidden here (${said}); ${mend}`;
    }
    return `Sandbox bwrap does not work here (${said}); allow user namespaces to this user, or use sandbox container`;
  }
}

function stderrOf(error: unknown): string | undefined {
  if (!(error instanceof Error && 'stderr' in error && typeof error.stderr === 'string')) return undefined;
  return error.stderr.trim().split('\n')[0] || undefined;
}

async function settingIn(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    // This kernel does not have the setting, so it forbids nothing.
    return undefined;
  }
}
