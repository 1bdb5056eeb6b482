// Owns what another manifest means for each runtime: two manifests in, one change a runtime out. Nothing here acts.

import { isDeepStrictEqual } from 'node:util';
import { presetSpec } from './backends/launch-spec.ts';
import type { Manifest, RuntimeEntry } from './manifest-schema.ts';
import { launchedDevices } from './sandbox/devices.ts';
import { AS_MANIFEST, type Variant } from './supervisor/variant.ts';

export type Change =
  | { kind: 'keep'; id: string }
  /** What runs goes on under the new words, limits and checks. */
  | { kind: 'update'; id: string; entry: RuntimeEntry }
  /** Something else would be launched now. */
  | { kind: 'restart'; id: string; entry: RuntimeEntry }
  | { kind: 'add'; id: string; entry: RuntimeEntry }
  | { kind: 'remove'; id: string };

/**
 * Keys that are not part of what is launched. Every other key is, those of a later version too: a needless restart is
 * seen, a change that silently did not happen is not. `preset` and `presets` count by what they come to.
 */
const NOT_LAUNCHED = new Set<string>([
  'id',
  'name',
  'profile',
  'modalities',
  'accelerator',
  'auto_start',
  'tags',
  'restart',
  'preset',
  'presets',
  'process',
] satisfies (keyof RuntimeEntry)[]);
const NOT_LAUNCHED_OF_PROCESS = new Set<string>([
  'args',
  'env',
  'start_timeout_seconds',
  'stop_timeout_seconds',
  'wedge_seconds',
  'idle_probe_seconds',
  'health',
] satisfies (keyof RuntimeEntry['process'])[]);

/**
 * The changes in the order of the new manifest, what is gone last.
 * @param variants what commands made of each runtime.
 */
export function diffManifests(
  before: Manifest,
  after: Manifest,
  variants: ReadonlyMap<string, Variant> = new Map(),
): Change[] {
  const earlier = new Map(before.runtimes.map((entry) => [entry.id, entry]));
  const changes = after.runtimes.map((entry): Change => {
    const { id } = entry;
    const old = earlier.get(id);
    if (old === undefined) return { kind: 'add', id, entry };
    if (isDeepStrictEqual(old, entry)) return { kind: 'keep', id };
    const given = variants.get(id) ?? AS_MANIFEST;
    const { preset, ...rest } = given;
    const stillGiven = preset !== undefined && entry.presets?.[preset] !== undefined ? given : rest;
    const same = isDeepStrictEqual(launchedBy(old, given), launchedBy(entry, stillGiven));
    return { kind: same ? 'update' : 'restart', id, entry };
  });
  const kept = new Set(after.runtimes.map(({ id }) => id));
  const removed = before.runtimes.filter(({ id }) => !kept.has(id));
  return [...changes, ...removed.map(({ id }): Change => ({ kind: 'remove', id }))];
}

/** One line for the log: `a added, b restarted; 2 unchanged`. */
export function changeWords(changes: readonly Change[]): string {
  const done = { update: 'updated', restart: 'restarted', add: 'added', remove: 'removed' } as const;
  const told = changes.flatMap((change) =>
    change.kind === 'keep' ? [] : [`${change.id} ${done[change.kind]}`],
  );
  const unchanged = changes.length - told.length;
  return `${told.join(', ') || 'no runtime differs'}${unchanged > 0 ? `; ${unchanged} unchanged` : ''}`;
}

function launchedBy(entry: RuntimeEntry, { preset, sandbox }: Variant): object {
  const { args, env } = presetSpec(entry, '', preset);
  const kind = sandbox ?? entry.sandbox?.kind ?? 'none';
  return {
    ...without(entry, NOT_LAUNCHED),
    process: without(entry.process, NOT_LAUNCHED_OF_PROCESS),
    args,
    env,
    // A sandbox is made for these; without one they are words.
    devices: launchedDevices(entry, kind),
    askedAt: kind === 'none' ? undefined : askedAt(entry),
  };
}

/** Where `health` says that the server is; undefined where its arguments say it. */
function askedAt({ process: { health } }: RuntimeEntry): string | undefined {
  return health === undefined ? undefined : new URL(health.url).origin;
}

function without(table: object, keys: ReadonlySet<string>): object {
  return Object.fromEntries(Object.entries(table).filter(([key]) => !keys.has(key)));
}
