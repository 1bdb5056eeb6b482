// Owns valid payloads for tests: a snapshot as a reporter would send it, with what a test cares about put in.

import type { RestartBudget, RuntimeRecord } from '../../contract/runtime-record.ts';
import { deriveNodeStatus, rollUp } from '../../contract/rollup.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { severityLabel, severityOfState, stateLabel, type RuntimeState } from '../../contract/words.ts';

export const SNAPSHOT_TIME = '2026-11-22T12:34:56.789Z';

export type RuntimeOptions = {
  id?: string;
  state?: RuntimeState;
  budget?: RestartBudget;
  model?: string;
};

export function runtimeRecord(options: RuntimeOptions = {}): RuntimeRecord {
  const { id = 'llama.70b', state = 'ready', budget = fullBudget(), model = 'llama-3.3-70b-q4' } = options;
  const severity = severityOfState(state);
  return {
    descriptor: {
      id,
      name: `Runtime ${id}`,
      adapter: 'llama.cpp',
      profile: 'default',
      modalities: ['text'],
      accelerator: 'cpu',
      models: [{ id: model, state: 'loaded', context: 8192 }],
      sandbox: 'none',
    },
    status: {
      id,
      state,
      state_label: stateLabel(state),
      severity,
      severity_label: severityLabel(severity),
      summary: stateLabel(state),
      detail: [],
      updated_at: SNAPSHOT_TIME,
      restart_budget: budget,
    },
  };
}

export function fullBudget(): RestartBudget {
  return { window_seconds: 600, max_restarts: 3, used: 0, remaining: 3 };
}

export function emptyBudget(resetAt: string): RestartBudget {
  return { window_seconds: 600, max_restarts: 3, used: 3, remaining: 0, reset_at: resetAt };
}

export type SnapshotOptions = {
  node?: string;
  bootId?: string;
  seq?: number;
  runtimes?: RuntimeRecord[];
};

export function snapshot(options: SnapshotOptions = {}): Snapshot {
  const { node = 'gpu-01', bootId = 'boot-1', seq = 1, runtimes = [runtimeRecord()] } = options;
  return {
    target: node,
    generated: SNAPSHOT_TIME,
    boot_id: bootId,
    seq,
    reporter: { version: '0.1.0', interval_ms: 5000 },
    host: { os: 'linux', arch: 'x64', cpus: 2, load_ratio: 0.4 },
    status: deriveNodeStatus({ supervisorEnabled: true, records: runtimes }),
    kernel: { enabled: true },
    runtime: rollUp(runtimes, SNAPSHOT_TIME),
    runtimes,
    accelerators: [
      {
        id: 'cpu0',
        kind: 'cpu',
        accelerator: 'cpu',
        label: 'CPU',
        name: 'Test CPU',
        state: 'ready',
        utilization_ratio: 0.25,
      },
    ],
  };
}
