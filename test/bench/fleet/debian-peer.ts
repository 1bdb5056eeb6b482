// Owns how a server that the hub is compared with comes from Debian, without root: fetched once into the project's
// cache, and run through its own loader and libraries.

import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { downloadPackages } from '../../../scripts/engine/debian-download.ts';
import { debianTarget, systemSuite } from '../../../scripts/engine/debian-target.ts';
import { projectCacheDir } from '../../../scripts/engine/project-cache.ts';

const ANSWERS_WITHIN_MS = 15_000;
const ENDS_WITHIN_MS = 10_000;

export type Peer = { name: string; url: string; pid: number; stop: () => Promise<void> };

export type PeerProgram = { package: string; binary: string };

/** Starts the program and waits until `url` answers. @throws where it cannot be had, or does not run. */
export async function startPeer(
  program: PeerProgram,
  args: readonly string[],
  url: string,
  health: string,
): Promise<Peer> {
  const { command, leading } = await peerCommand(program);
  const child = spawn(command, [...leading, ...args], { stdio: 'ignore' });
  const peer = { name: program.package, url, pid: child.pid ?? 0, stop: () => end(child) };
  const deadline = performance.now() + ANSWERS_WITHIN_MS;
  for (;;) {
    const answer = await fetch(`${url}${health}`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return peer;
    if (performance.now() > deadline || child.exitCode !== null) {
      await peer.stop();
      throw new Error(`${program.package} did not answer at ${url}${health}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** How to run the program: what to spawn, and the arguments that come before its own. */
export async function peerCommand(program: PeerProgram): Promise<{ command: string; leading: string[] }> {
  const home = await fetched(program.package);
  const target = debianTarget(process.platform, process.arch);
  const folders = [join(home, 'lib'), join(home, 'usr', 'lib')].map((lib) => join(lib, target.libraryFolder));
  const loaders = await Promise.all(folders.map((folder) => exists(join(folder, target.loader))));
  const place = folders[loaders.indexOf(true)];
  if (place === undefined) throw new Error(`there is no ${target.loader} under ${home}; delete that folder`);
  const leading = ['--library-path', folders.join(':'), join(home, 'usr', 'bin', program.binary)];
  return { command: join(place, target.loader), leading };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}

async function fetched(name: string): Promise<string> {
  const cacheDir = projectCacheDir();
  const home = join(cacheDir, name);
  if (await exists(home)) return home;
  await mkdir(cacheDir, { recursive: true });
  const folder = await mkdtemp(join(cacheDir, `${name}.build-`));
  try {
    const { root } = await downloadPackages({
      packages: [name],
      purpose: name,
      remedy: 'check the network and try again',
      suite: await systemSuite(),
      target: debianTarget(process.platform, process.arch),
      folder,
      log: (line) => process.stderr.write(`${line}\n`),
    });
    await rename(root, home);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return home;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
