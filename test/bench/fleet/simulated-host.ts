// Owns what a simulated host says: a whole valid snapshot of about 2.5 kB, with another number and other figures each
// time. Hosts of one make share a template, so that a fleet of 50,000 fits into the memory of its generator.

import type { AcceleratorReading } from '../../../contract/accelerator.ts';
import { deriveNodeStatus, rollUp } from '../../../contract/rollup.ts';
import type { RuntimeHealth, RuntimeRecord } from '../../../contract/runtime-record.ts';
import type { Snapshot } from '../../../contract/snapshot.ts';
import { RUNTIME_STATES, type RuntimeState } from '../../../contract/words.ts';
import { runtimeRecord } from '../../support/snapshot.ts';

/** Models and devices of the fleet: the number of its cells does not grow with its nodes. */
const MODELS = ['llama-3.3-70b-q4', 'qwen3-32b-q5', 'mistral-small-24b-q6', 'gemma-3-27b-q4'];
const DEVICES = ['NVIDIA H100 80GB HBM3', 'NVIDIA L40S', 'NVIDIA A100-SXM4-40GB'];
const MEMORY_BYTES = 85_899_345_920;
const STARTED = '2026-11-22T08:00:00.000Z';

/** The first runtime of every simulated host, whose state a bench may change. */
export const RUNTIME_ID = 'llama.main';

type Template = { snapshot: Snapshot; health: RuntimeHealth[]; readings: AcceleratorReading[] };

export class SimulatedHost {
  readonly node: string;
  readonly #index: number;
  readonly #bootId: string;
  #state: RuntimeState = 'ready';
  #seq = 0;

  /** @param index of the host in its fleet: hosts differ by it, and by nothing that chance decides. */
  constructor(node: string, index: number, bootId: string) {
    this.node = node;
    this.#index = index;
    this.#bootId = bootId;
  }

  /** The number of the last snapshot that was made. */
  get seq(): number {
    return this.#seq;
  }

  /** What the first runtime is from the next snapshot on. */
  set state(state: RuntimeState) {
    this.#state = state;
  }

  /** The next snapshot, as JSON. */
  next(generated: string): string {
    const make = this.#index % (MODELS.length * DEVICES.length);
    const { snapshot, health, readings } = template(make, this.#state);
    this.#seq += 1;
    const seq = this.#seq;
    const turn = this.#index + seq;
    snapshot.target = this.node;
    snapshot.generated = generated;
    snapshot.boot_id = this.#bootId;
    snapshot.seq = seq;
    snapshot.host.load_ratio = (turn % 97) / 100;
    snapshot.host.memory_used_bytes = 64_000_000_000 + (turn % 1000) * 4096;
    health.forEach((figures, place) => {
      figures.inflight_jobs = (turn + place) % 5;
      figures.queued_jobs = turn % 3;
      figures.request_count = seq * 3 + place;
      figures.latency_ms = 8 + (turn % 50) / 10;
      figures.prompt_tokens_per_second = 2400 + (turn % 100) / 10;
      figures.predicted_tokens_per_second = 70 + (turn % 100) / 10;
    });
    readings.forEach((reading, place) => {
      reading.utilization_ratio = ((turn + place) % 101) / 100;
      reading.memory_used_bytes = 40_000_000_000 + (turn % 1000) * 4096;
      reading.power_watts = 300 + (turn % 90);
    });
    return JSON.stringify(snapshot);
  }
}

const templates = new Map<string, Template>();

function template(make: number, state: RuntimeState): Template {
  const key = `${make}/${RUNTIME_STATES.indexOf(state)}`;
  const known = templates.get(key);
  if (known !== undefined) return known;
  const model = MODELS[make % MODELS.length] ?? '';
  const device = DEVICES[Math.floor(make / MODELS.length)] ?? '';
  const records = [runtime(RUNTIME_ID, model, state), runtime('llama.small', 'qwen3-4b-q8', 'ready')];
  const readings = [gpu(0, device)];
  const http = {
    routes: 3,
    hits: 1812,
    errors: 4,
    error_rate: 0.0022,
    window_seconds: 300,
    window_hits: 120,
    window_errors: 0,
    avg_ewma_ms: 412.5,
  };
  const made: Template = {
    snapshot: {
      target: '',
      generated: STARTED,
      boot_id: '',
      seq: 0,
      reporter: { version: '0.1.0', interval_ms: 5000 },
      host: { os: 'linux', arch: 'x64', cpus: 32, memory_total_bytes: 134_217_728_000 },
      status: deriveNodeStatus({ supervisorEnabled: true, records, http }),
      kernel: { enabled: true },
      http,
      runtime: rollUp(records, STARTED),
      runtimes: records,
      accelerators: readings,
    },
    health: records.map(({ status }) => (status.health ??= {})),
    readings,
  };
  templates.set(key, made);
  return made;
}

function runtime(id: string, model: string, state: RuntimeState): RuntimeRecord {
  const { descriptor, status } = runtimeRecord({ id, model, state });
  const { restart_budget: budget, ...said } = status;
  return {
    descriptor: { ...descriptor, accelerator: 'gpu_cuda' },
    status: {
      ...said,
      updated_at: STARTED,
      health: { capacity: 4, error_count: 2, error_rate: 0.0022 },
      ...(budget && { restart_budget: budget }),
      pid: 4242,
      started_at: STARTED,
      restarts_total: 0,
    },
  };
}

function gpu(index: number, name: string): AcceleratorReading {
  return {
    id: `GPU-5c1f0d2e-${index}`,
    kind: 'gpu',
    accelerator: 'gpu_cuda',
    label: 'GPU (CUDA)',
    name,
    state: 'ready',
    memory_total_bytes: MEMORY_BYTES,
    temperature_celsius: 61,
    driver: '550.127.08',
  };
}
