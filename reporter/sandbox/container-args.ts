// Owns the command line that runs a server in a container, for podman and for docker, which speak nearly the same.

import type { Accelerator } from '../../contract/accelerator.ts';

export type Engine = 'podman' | 'docker';

export type ContainerSettings = {
  /** What the container is called: one for each runtime of a host, so that a left-over one is found. */
  name: string;
  image: string;
  /** Instead of the image's own. */
  entrypoint: string | undefined;
  /** Shown under the names that they have on the host. */
  read: readonly string[];
  write: readonly string[];
  /** The accelerator that is asked for; undefined for none. */
  devices: Accelerator | undefined;
  stopGraceMs: number;
};

export type ContainerLaunch = {
  host: string;
  port: number;
  args: readonly string[];
  /** Names of variables; their values go by the environment, where no process list shows them. */
  env: readonly string[];
  workdir: string | undefined;
};

/** Who the server runs as, so that it may read what the reporter may. */
export type User = { uid: number; gid: number };

const CONFINED = ['--read-only', '--tmpfs', '/tmp', '--cap-drop=ALL', '--security-opt=no-new-privileges'];

export function containerArgs(
  engine: Engine,
  settings: ContainerSettings,
  launch: ContainerLaunch,
  user: User,
): string[] {
  const { name, image, entrypoint, read, write, devices, stopGraceMs } = settings;
  const address = launch.host.includes(':') ? `[${launch.host}]` : launch.host;
  return [
    'run',
    '--rm',
    '--init',
    `--name=${name}`,
    ...CONFINED,
    // What it writes goes through this process into the runtime's log, which is bounded; the engine's own would not be.
    '--log-driver=none',
    `--stop-timeout=${Math.ceil(stopGraceMs / 1000)}`,
    `--publish=${address}:${launch.port}:${launch.port}`,
    ...userArgs(engine, user),
    ...(devices === undefined ? [] : deviceArgs(engine, devices)),
    ...[...new Set(read)].toSorted().flatMap((path) => ['--volume', `${path}:${path}:ro`]),
    ...[...new Set(write)].toSorted().flatMap((path) => ['--volume', `${path}:${path}`]),
    // The image's home lies in its read-only root.
    ...(launch.env.includes('HOME') ? [] : ['--env', 'HOME=/tmp']),
    ...launch.env.flatMap((variable) => ['--env', variable]),
    ...(launch.workdir === undefined ? [] : ['--workdir', launch.workdir]),
    ...(entrypoint === undefined ? [] : ['--entrypoint', entrypoint]),
    image,
    ...listeningEverywhere(launch.args),
  ];
}

/** Without capabilities root in the container may not read another user's files. */
function userArgs(engine: Engine, { uid, gid }: User): string[] {
  if (uid === 0) return [];
  return engine === 'podman' ? ['--userns=keep-id'] : ['--user', `${uid}:${gid}`];
}

function deviceArgs(engine: Engine, accelerator: Accelerator): string[] {
  switch (accelerator) {
    case 'gpu_cuda':
      return engine === 'podman' ? ['--device', 'nvidia.com/gpu=all'] : ['--gpus', 'all'];
    case 'gpu_rocm':
      return ['--device', '/dev/kfd', '--device', '/dev/dri', ...groupArgs(engine)];
    case 'npu_directml':
    case 'npu_coreml':
    case 'npu_other':
      return ['--device', '/dev/accel', ...groupArgs(engine)];
    case 'gpu_metal':
    case 'gpu_vulkan':
    case 'cpu':
    case 'other':
      return ['--device', '/dev/dri', ...groupArgs(engine)];
    default:
      return accelerator satisfies never;
  }
}

/** The cards' device files belong to groups of the host, which podman can keep and docker must be told. */
function groupArgs(engine: Engine): string[] {
  return engine === 'podman' ? ['--group-add', 'keep-groups'] : ['--group-add', 'video'];
}

/** Inside, the port is reached by the container's own address; outside it is published on loopback alone. */
function listeningEverywhere(args: readonly string[]): string[] {
  return args.map((word, index) => {
    if (word.startsWith('--host=')) return '--host=0.0.0.0';
    return args[index - 1] === '--host' ? '0.0.0.0' : word;
  });
}
