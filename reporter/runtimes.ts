// Owns how an entry of the manifest becomes a runtime under supervision: its parts, its limits, its defaults.

import { makeBackend, makeRemote } from './backends/registry.ts';
import type { Config } from './config.ts';
import type { Log } from './log.ts';
import { secretsOfEntry, type HostRedaction } from './logs/host-redaction.ts';
import type { RuntimeEntry } from './manifest-schema.ts';
import { sandboxesOf } from './sandbox/sandboxes.ts';
import { RuntimeLog } from './supervisor/logs.ts';
import type { ManagedRuntime } from './supervisor/managed-runtime.ts';
import { RuntimeMemory } from './supervisor/memory.ts';
import { RemoteWatch } from './supervisor/remote-watch.ts';
import { RuntimeLoop, type RuntimeParts } from './supervisor/runtime-loop.ts';
import type { Policy } from './supervisor/state.ts';
import type { RuntimeMaker } from './supervisor/roster.ts';

const START_TIMEOUT_SECONDS = 600;
/** Below the 10 s in which a reporter must have ended, SIGKILL included. */
const STOP_TIMEOUT_SECONDS = 5;
const WEDGE_SECONDS = 60;
const CRASH_BACKOFF = { baseMs: 500, capMs: 60_000 };

export type RuntimesOptions = {
  config: Config;
  log: Log;
  redaction: HostRedaction;
  /** Requests that the gateway has under way at a runtime, now; undefined where no gateway takes any. */
  underWay: (runtimeId: string) => number | undefined;
  onMaterialChange: () => void;
};

export function runtimeMaker(options: RuntimesOptions): RuntimeMaker {
  const { config, log, redaction, onMaterialChange } = options;
  const partsOf = (entry: RuntimeEntry): RuntimeParts => {
    redaction.add(secretsOfEntry(entry));
    const policy = policyOf(entry, config);
    const { node, stateDir } = config;
    return {
      backend: makeBackend(entry, { llamaServer: config.llamaServer }),
      policy,
      preset: entry.preset,
      sandbox: sandboxesOf(entry, { node, stateDir, stopGraceMs: policy.stopGraceMs }),
    };
  };
  const make = (entry: RuntimeEntry): ManagedRuntime => {
    const remote = makeRemote(entry, process.env);
    // Children inherit the variable, and may tell it.
    redaction.add(secretIn(entry.remote?.api_key_env));
    if (remote !== undefined) return new RemoteWatch({ remote, log, onMaterialChange });
    return new RuntimeLoop({
      ...partsOf(entry),
      output: new RuntimeLog(config.stateDir, entry.id, () => redaction.redact),
      memory: new RuntimeMemory(config.stateDir, entry.id),
      log,
      underWay: () => options.underWay(entry.id),
      onMaterialChange,
    });
  };
  return { make, partsOf };
}

function secretIn(variable: string | undefined): string[] {
  const value = variable === undefined ? undefined : process.env[variable]?.trim();
  return value === undefined || value === '' ? [] : [value];
}

function policyOf(entry: RuntimeEntry, config: Config): Policy {
  return {
    budget: {
      maxRestarts: entry.restart?.max ?? config.restart.maxRestarts,
      windowMs: (entry.restart?.window_seconds ?? config.restart.windowSeconds) * 1000,
    },
    backoff: CRASH_BACKOFF,
    loadLimitMs: (entry.process.start_timeout_seconds ?? START_TIMEOUT_SECONDS) * 1000,
    stopGraceMs: (entry.process.stop_timeout_seconds ?? STOP_TIMEOUT_SECONDS) * 1000,
    wedgeMs: (entry.process.wedge_seconds ?? WEDGE_SECONDS) * 1000,
  };
}
