// Owns which devices a sandbox of a runtime shows, and how much of that is part of its launch.

import type { Accelerator } from '../../contract/accelerator.ts';
import type { SandboxKind } from '../../contract/words.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';

/** The accelerator whose devices are shown; undefined for none. */
export function shownDevices({ accelerator, sandbox }: RuntimeEntry): Accelerator | undefined {
  const wanted = sandbox?.devices ?? /^[gn]pu_/.test(accelerator ?? '');
  return wanted ? (accelerator ?? 'other') : undefined;
}

/** What of them another launch would have to change: an engine is told which, bubblewrap only whether. */
export function launchedDevices(entry: RuntimeEntry, kind: SandboxKind): Accelerator | boolean | undefined {
  switch (kind) {
    case 'none':
      return undefined;
    case 'bwrap':
      return shownDevices(entry) !== undefined;
    case 'container':
      return shownDevices(entry);
    default:
      return kind satisfies never;
  }
}
