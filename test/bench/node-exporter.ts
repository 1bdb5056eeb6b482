// Owns the yardstick for a light program on a host: Debian's prometheus-node-exporter, of the suite that the system
// uses, fetched once into the project's cache and run from there.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadPackages } from '../../scripts/engine/debian-download.ts';
import { debianTarget, systemSuite } from '../../scripts/engine/debian-target.ts';
import { freePort } from '../../scripts/fleet/free-port.ts';

const PACKAGE = 'prometheus-node-exporter';
const ANSWERS_WITHIN_MS = 10_000;

export type NodeExporter = {
  pid: number;
  /** One scrape, as Prometheus does it. @throws where it does not answer. */
  scrape(): Promise<void>;
  stop(): Promise<void>;
};

export async function startNodeExporter(cacheDir: string, signal: AbortSignal): Promise<NodeExporter> {
  const address = `127.0.0.1:${await freePort()}`;
  const program = await fetchedProgram(cacheDir, signal);
  const child = spawn(program, [`--web.listen-address=${address}`], { stdio: 'ignore' });
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} was spawned without a process id`);
  const scrape = async (): Promise<void> => {
    const answer = await fetch(`http://${address}/metrics`);
    if (!answer.ok) throw new Error(`${PACKAGE} answered ${answer.status}`);
    await answer.text();
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  const deadline = performance.now() + ANSWERS_WITHIN_MS;
  for (;;) {
    try {
      await scrape();
      return { pid, scrape, stop };
    } catch (error) {
      if (performance.now() > deadline || signal.aborted) {
        await stop();
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function fetchedProgram(cacheDir: string, signal: AbortSignal): Promise<string> {
  const home = join(cacheDir, PACKAGE);
  const program = join(home, 'usr', 'bin', PACKAGE);
  const isThere = await access(program).then(
    () => true,
    () => false,
  );
  if (isThere) return program;
  await mkdir(cacheDir, { recursive: true });
  const folder = await mkdtemp(join(cacheDir, `${PACKAGE}.build-`));
  try {
    const { root } = await downloadPackages({
      packages: [PACKAGE],
      purpose: PACKAGE,
      remedy: 'check the network and try again',
      suite: await systemSuite(),
      target: debianTarget(process.platform, process.arch),
      folder,
      log: (line) => process.stderr.write(`${line}\n`),
      signal,
    });
    await rm(home, { recursive: true, force: true });
    await rename(root, home);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return program;
}
