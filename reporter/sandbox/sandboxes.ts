// Owns the sandboxes of one runtime: the one that its manifest names, and those that a command may switch it to.

import { join } from 'node:path';
import type { SandboxKind } from '../../contract/words.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import { bwrapSandbox } from './bwrap.ts';
import { containerSandbox } from './container.ts';
import { shownDevices } from './devices.ts';
import { UNCONFINED, type Sandbox } from './sandbox.ts';

export type SandboxesOptions = { node: string; stateDir: string; stopGraceMs: number };

/** How `entry` is confined: in the named sandbox, else as its manifest says. */
export function sandboxesOf(
  entry: RuntimeEntry,
  { node, stateDir, stopGraceMs }: SandboxesOptions,
): (kind: SandboxKind | undefined) => Sandbox {
  const settings = entry.sandbox ?? {};
  const devices = shownDevices(entry);
  const name = entry.id.replaceAll(':', '_');
  const sandboxes: Record<SandboxKind, Sandbox> = {
    none: UNCONFINED,
    bwrap: bwrapSandbox({
      read: settings.read ?? [],
      write: settings.write ?? [],
      devices: devices !== undefined,
      socketDir: join(stateDir, 'sandboxes', name),
    }),
    container: containerSandbox({
      name: `arw-${node}-${name}`,
      image: settings.image,
      entrypoint: settings.entrypoint,
      read: settings.read ?? [],
      write: settings.write ?? [],
      devices,
      stopGraceMs,
    }),
  };
  return (kind) => sandboxes[kind ?? settings.kind ?? 'none'];
}
