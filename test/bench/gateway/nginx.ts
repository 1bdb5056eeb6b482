// Owns the yardstick for a proxy: Debian's nginx, one on the PATH or fetched once into the project's cache, with as plain
// a configuration as streaming allows.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadPackages } from '../../../scripts/engine/debian-download.ts';
import { debianTarget, systemSuite } from '../../../scripts/engine/debian-target.ts';
import { runCommand } from '../../../scripts/engine/run-command.ts';

/** A program and the arguments that come before its own. */
type Launch = { command: string; args: readonly string[] };

export type Proxied = { listen: number; upstream: number };

export async function startNginx(
  routes: readonly Proxied[],
  folder: string,
  cacheDir: string,
): Promise<ChildProcess> {
  const { command, args } = await findNginx(cacheDir);
  const file = join(folder, 'nginx.conf');
  await writeFile(file, configuration(routes, folder));
  const child = spawn(command, [...args, '-c', file, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(child, 'spawn');
  return child;
}

function configuration(routes: readonly Proxied[], folder: string): string {
  const servers = routes.map(
    ({ listen, upstream }) => `
  server {
    listen 127.0.0.1:${listen};
    location / {
      proxy_pass http://127.0.0.1:${upstream};
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_read_timeout 600s;
    }
  }`,
  );
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${folder}/${name};`,
  );
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
${temporary.join('\n')}${servers.join('')}
}
`;
}

async function findNginx(cacheDir: string): Promise<Launch> {
  const onPath: Launch = { command: 'nginx', args: [] };
  const runs = await runCommand('nginx', ['-v'], { timeoutMs: 10_000 }).then(
    () => true,
    () => false,
  );
  return runs ? onPath : fetched(cacheDir);
}

/** Through its own loader and libraries: the system's may differ from those of its package's closure. */
async function fetched(cacheDir: string): Promise<Launch> {
  const target = debianTarget(process.platform, process.arch);
  const home = join(cacheDir, 'nginx');
  // Before Debian merged its folders a library could be in either.
  const folders = [join(home, 'lib'), join(home, 'usr', 'lib')].map((lib) => join(lib, target.libraryFolder));
  const binary = join(home, 'usr', 'sbin', 'nginx');
  const launch = async (): Promise<Launch> => {
    const loaders = await Promise.all(folders.map((folder) => exists(join(folder, target.loader))));
    const place = folders[loaders.indexOf(true)];
    if (place === undefined)
      throw new Error(`there is no ${target.loader} under ${home}; delete that folder`);
    return {
      command: join(place, target.loader),
      args: ['--library-path', folders.join(':'), binary],
    };
  };
  if (await exists(binary)) return launch();
  await mkdir(cacheDir, { recursive: true });
  const folder = await mkdtemp(join(cacheDir, 'nginx.build-'));
  try {
    const { root } = await downloadPackages({
      packages: ['nginx'],
      purpose: 'nginx',
      remedy: 'check the network and try again, or put an nginx on the PATH',
      suite: await systemSuite(),
      target,
      folder,
      log: tell,
    });
    await rename(root, home);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return launch();
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
