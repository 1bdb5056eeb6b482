// Owns the container sandbox as the supervisor sees it: one child, which is the engine's client in the foreground.

import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Endpoint } from '../backends/backend.ts';
import { messageOf } from '../errors.ts';
import type { LaunchSpec } from '../supervisor/child.ts';
import {
  containerArgs,
  type ContainerLaunch,
  type ContainerSettings,
  type Engine,
} from './container-args.ts';
import { findProgram, THIS_HOST } from './program/host-files.ts';
import { visiblePaths } from './program/visible-paths.ts';
import { addressOf, loopbackFaults, type Sandbox } from './sandbox.ts';

const ENGINES: readonly Engine[] = ['podman', 'docker'];
const ENGINE_TIMEOUT_MS = 15_000;

export type ContainerOptions = Omit<ContainerSettings, 'image'> & { image: string | undefined };

export function containerSandbox(options: ContainerOptions): Sandbox {
  const { image = '' } = options;
  // Neither which engine is here nor which of the named files are there was asked for: both are the host's matter of
  // the moment. How long a stop may take is the reporter's.
  const asked = (spec: LaunchSpec, endpoint: Endpoint): readonly string[] => {
    const { stopGraceMs: _, ...settings } = options;
    const launch = { ...launchOf(spec, endpoint), args: spec.asked ?? spec.args };
    return ['container', JSON.stringify({ ...settings, ...launch })];
  };
  return {
    kind: 'container',
    bringsProgram: true,
    confine(spec, endpoint) {
      const engine = enginesHere()[0] ?? 'podman';
      const words = { command: '', args: spec.args, env: spec.env, cwd: spec.workdir ?? '/' };
      const named = visiblePaths(words, THIS_HOST, []);
      const read = [...options.read, ...named.filter((path) => !options.write.includes(path))];
      const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
      return {
        command: engine,
        args: containerArgs(engine, { ...options, image, read }, launchOf(spec, endpoint), user),
        env: spec.env,
        workdir: undefined,
        asked: asked(spec, endpoint),
        confinedIn: 'container',
      };
    },
    asked,
    async faults(spec, endpoint) {
      await lookAtNamed(spec);
      const faults = loopbackFaults(endpoint, 'container');
      if (options.image === undefined) {
        faults.push('Sandbox container needs an image; set image in [runtimes.sandbox]');
      }
      const [engine] = enginesHere();
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
      // In all of them: another one may have been the first when it was launched.
      await Promise.all(enginesHere().map((engine) => remove(engine, options.name)));
    },
  };
}

function launchOf(spec: LaunchSpec, endpoint: Endpoint): ContainerLaunch {
  return { ...addressOf(endpoint), args: spec.args, env: Object.keys(spec.env), workdir: spec.workdir };
}

/** Podman gives a server its time to end, unless it is told to give none; older ones cannot be told. */
async function remove(engine: Engine, name: string): Promise<void> {
  try {
    await ask(engine, ['rm', '--force', ...(engine === 'podman' ? ['--time', '0'] : []), name]);
  } catch (error) {
    // There is none, or the engine is away: a launch that this hinders says so itself.
    if (!messageOf(error).includes('unknown flag')) return;
    await ask(engine, ['rm', '--force', name]).catch(() => undefined);
  }
}

/**
 * Looks at every file that `confine` will look at. It does so on the main loop, which a dead mount must not hold; here
 * such a look is only a check that does not end.
 */
async function lookAtNamed({ args, env, workdir }: LaunchSpec): Promise<void> {
  const values = [...args.map((word) => word.replace(/^-[^=]*=/, '')), ...Object.values(env)];
  const files = values
    .flatMap((value) => [value, ...value.split(':')])
    .filter((word) => !word.startsWith('-'));
  const paths = new Set(files.map((word) => resolve(workdir ?? '/', word)));
  for (const path of paths) {
    // One after the other: each that hangs holds one of the few threads for files.
    await stat(path).catch(() => undefined);
  }
}

function ask(engine: Engine, args: readonly string[]): Promise<unknown> {
  return promisify(execFile)(engine, args, { timeout: ENGINE_TIMEOUT_MS });
}

/** The one to use comes first. */
function enginesHere(): Engine[] {
  const path = process.env['PATH'] ?? '';
  return ENGINES.filter((engine) => findProgram(engine, path, '/', THIS_HOST) !== undefined);
}
