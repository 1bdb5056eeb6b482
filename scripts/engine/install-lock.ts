/**
 * Owns mutual exclusion between installs into one cache (`npm start` and a test run may begin together).
 * The kernel's file lock is used, through util-linux's flock, because it vanishes with its holder: after a
 * `kill -9` there is no stale lock to judge.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Longer than an uncontended lock takes, so that waiting is told only when there is something to wait for. */
const TELL_AFTER_MS = 1_000;

export interface InstallLock {
  release(): Promise<void>;
}

/** Resolves once this process alone holds `path`; waits for another holder as long as it takes. */
export async function acquireInstallLock(path: string, log: (line: string) => void): Promise<InstallLock> {
  // The holder echoes once it has the lock, and lives until its standard input closes, with us at the latest. A
  // Ctrl-C, which goes to the whole process group, must not take the lock from an install that still cleans up.
  const holder = spawn('flock', ['--exclusive', path, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(holder, 'exit');
  const tell = setTimeout(() => log('another install is running; waiting for it'), TELL_AFTER_MS);
  try {
    await Promise.race([
      once(holder.stdout, 'data'),
      ended.then(() => Promise.reject(new Error(`flock could not lock ${path}`))),
    ]);
  } finally {
    clearTimeout(tell);
  }
  return {
    async release() {
      holder.stdin.end();
      await ended;
    },
  };
}
