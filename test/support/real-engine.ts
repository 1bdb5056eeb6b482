// Owns a real llama-server of a test as the llama.cpp backend would launch it, and looks at it as a reporter does.

import { inject } from 'vitest';
import type { Backend } from '../../reporter/backends/backend.ts';
import { makeBackend } from '../../reporter/backends/registry.ts';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import type { ReadyObservation } from '../../reporter/supervisor/state.ts';
import { freePort, startEngine, type EngineProcess } from './engine-process.ts';
import { eventually } from './eventually.ts';

const LOOK_EVERY_MS = 200;
const LOOK_LIMIT_MS = 10_000;

export type RealEngine = { url: string; backend: Backend; process: EngineProcess };

/** Started and listening; its end comes with that of the test. */
export async function startRealEngine(
  flags: readonly string[],
  settings: Partial<RuntimeEntry['process']> = {},
): Promise<RealEngine> {
  const args = [...flags, '--port', String(await freePort()), '-c', '512'];
  const entry: RuntimeEntry = { id: 'tiny', adapter: 'llama.cpp', process: { args, ...settings } };
  const backend = makeBackend(entry, { llamaServer: inject('llamaServer') });
  const { command, args: all } = backend.launchSpec(undefined);
  const process = startEngine(command, all);
  return { url: await process.ready(), backend, process };
}

export async function lookOnce(backend: Backend): Promise<ReadyObservation> {
  const seen = await backend.observe(AbortSignal.timeout(LOOK_LIMIT_MS));
  if (seen.kind !== 'ready') throw new Error(`not ready: ${JSON.stringify(seen)}`);
  return seen;
}

/** Looks again and again until a look is as wanted. */
export function lookUntil(
  backend: Backend,
  what: string,
  isWanted: (seen: ReadyObservation) => boolean,
): Promise<ReadyObservation> {
  return eventually(what, async () => {
    const seen = await lookOnce(backend);
    if (isWanted(seen)) return seen;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    return undefined;
  });
}
