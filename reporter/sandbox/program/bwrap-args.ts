// Owns the command line of bubblewrap: a root that holds the system's programs and what the server was given, read-only,
// and namespaces of its own for everything else.

import type { HostFiles } from './host-files.ts';
import { INNER_FOLDER, type Plan } from './plan.ts';
import { SYSTEM_FOLDERS, SYSTEM_LINKS } from './visible-paths.ts';

/** What programs read of /etc: names, libraries, certificates, drivers. No keys and no passwords. */
const SHOWN_OF_ETC = [
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'alternatives',
  'passwd',
  'group',
  'hosts',
  'nsswitch.conf',
  'localtime',
  'timezone',
  'os-release',
  'ssl/certs',
  'OpenCL',
  'vulkan',
  'glvnd',
  'nvidia',
];
/** Processors and memory nodes: how many threads to start. */
const SHOWN_OF_SYS = ['/sys/devices/system'];

const DEVICES = /^(nvidia(\d+|ctl|-uvm|-uvm-tools|-modeset|-caps)|dri|kfd|accel|dxg)$/;
/** How drivers find the cards that the devices belong to. */
const SYS_OF_DEVICES = [
  '/sys/devices',
  '/sys/bus/pci',
  '/sys/class/drm',
  '/sys/class/kfd',
  '/sys/class/accel',
  '/sys/dev/char',
  '/sys/module/nvidia',
  '/sys/module/amdgpu',
];
/** Drivers of systems that keep them out of /usr, and the daemon that keeps a card awake. */
const RUN_OF_DEVICES = ['/run/opengl-driver', '/run/nvidia-persistenced'];

const CONFINED = ['--unshare-all', '--die-with-parent', '--cap-drop', 'ALL'];
/** Its own processes, harmless devices, and scratch space in memory that nobody else sees. */
const OWN_PLACES = [
  '--proc',
  '/proc',
  '--dev',
  '/dev',
  '--tmpfs',
  '/tmp',
  '--tmpfs',
  '/var/tmp',
  '--dir',
  '/run',
];

export type View = {
  /** Shown read-only beside what the plan names, as `visiblePaths` finds them. */
  visible: readonly string[];
  cwd: string;
};

/** The arguments before `--`. */
export function bwrapArgs(plan: Plan, { visible, cwd }: View, host: HostFiles): string[] {
  const shown = plan.devices ? [...SYS_OF_DEVICES, ...RUN_OF_DEVICES] : SHOWN_OF_SYS;
  const devices = plan.devices ? host.namesIn('/dev').filter((name) => DEVICES.test(name)) : [];
  return [
    ...CONFINED,
    ...SYSTEM_FOLDERS.flatMap((folder) => ['--ro-bind-try', folder, folder]),
    ...SYSTEM_LINKS.flatMap((folder) => systemLink(folder, host)),
    ...SHOWN_OF_ETC.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
    ...OWN_PLACES,
    ...shown.flatMap((path) => ['--ro-bind-try', path, path]),
    ...devices.toSorted().flatMap((name) => ['--dev-bind-try', `/dev/${name}`, `/dev/${name}`]),
    ...ownFiles(plan, visible, cwd),
    '--ro-bind',
    plan.socketDir,
    INNER_FOLDER,
    // The root itself is a memory file system until here, in which the places above were made.
    '--remount-ro',
    '/',
    '--chdir',
    cwd,
  ];
}

function systemLink(folder: string, host: HostFiles): string[] {
  const link = host.linkAt(folder);
  if (link !== undefined) return ['--symlink', link, folder];
  return ['--ro-bind-try', folder, folder];
}

/** A folder comes before what lies in it, so that what is writable there stays so. */
function ownFiles(plan: Plan, visible: readonly string[], cwd: string): string[] {
  const named = plan.workdir ? [...plan.read, cwd] : plan.read;
  const binds = [
    ...[...new Set(visible)].map((path) => ({ path, option: '--ro-bind-try' })),
    ...named.map((path) => ({ path, option: '--ro-bind' })),
    ...plan.write.map((path) => ({ path, option: '--bind' })),
  ];
  const words = binds
    .toSorted((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)))
    .flatMap(({ option, path }) => [option, path, path]);
  // Without a folder of the manifest's the server starts where the reporter does, in an empty folder of that name.
  return plan.workdir ? words : [...words, '--dir', cwd];
}
