// Owns the container sandbox as the supervisor sees it: one child, which is the engine's client in the foreground.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';
import { containerArgs, type ContainerSettings, type Engine } from './container-args.ts';
import { findProgram, THIS_HOST } from './program/host-files.ts';
import { visiblePaths } from './program/visible-paths.ts';
import { addressOf, loopbackFaults, type Sandbox } from './sandbox.ts';

const ENGINES: readonly Engine[] = ['podman', 'docker'];
const ENGINE_TIMEOUT_MS = 15_000;

export type ContainerOptions = Omit<ContainerSettings, 'image'> & { image: string | undefined };

export function containerSandbox(options: ContainerOptions): Sandbox {
  const { image = '' } = options;
  return {
    kind: 'container',
    bringsProgram: true,
    confine(spec, endpoint) {
      const engine = engineHere() ?? 'podman';
      const words = { command: '', args: spec.args, env: spec.env, cwd: spec.workdir ?? '/' };
      const named = visiblePaths(words, THIS_HOST, []);
      const read = [...options.read, ...named.filter((path) => !options.write.includes(path))];
      const launch = {
        ...addressOf(endpoint),
        args: spec.args,
        env: Object.keys(spec.env),
        workdir: spec.workdir,
      };
      const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
      return {
        command: engine,
        args: containerArgs(engine, { ...options, image, read }, launch, user),
        env: spec.env,
        workdir: undefined,
        // Which of the named files are there is the host's matter of the moment.
        asked: [engine, JSON.stringify({ ...options, ...launch })],
      };
    },
    async faults(_spec, endpoint) {
      const faults = loopbackFaults(endpoint, 'container');
      if (options.image === undefined) {
        faults.push('Sandbox container needs an image; set image in [runtimes.sandbox]');
      }
      const engine = engineHere();
      if (engine === undefined) {
        faults.push(
          'Sandbox container needs podman or docker; install one (Debian: apt-get install podman), or use sandbox bwrap',
        );
        return faults;
      }
      try {
        await ask(engine, ['version']);
      } catch (error) {
        const said = messageOf(error).trim().split('\n').at(-1) ?? '';
        faults.push(`${engine} does not answer (${said}); start it and let this user use it`);
      }
      return faults;
    },
    /** A client that is killed leaves its container running, port and GPU memory included. */
    async clear() {
      const engine = engineHere();
      if (engine === undefined) return;
      try {
        await ask(engine, ['rm', '--force', options.name]);
      } catch {
        // There is none, or the engine is away: a launch that this hinders says so itself.
      }
    },
  };
}

function ask(engine: Engine, args: readonly string[]): Promise<unknown> {
  return promisify(execFile)(engine, args, { timeout: ENGINE_TIMEOUT_MS });
}

function engineHere(): Engine | undefined {
  const path = process.env['PATH'] ?? '';
  return ENGINES.find((engine) => findProgram(engine, path, '/', THIS_HOST) !== undefined);
}
