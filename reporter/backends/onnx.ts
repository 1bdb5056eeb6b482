// Owns the ONNX backend: how the bundled ONNX host is launched with a model file, and how its state is read.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import {
  ModelSchema,
  type Model,
  type RuntimeDescriptor,
  type RuntimeHealth,
} from '../../contract/runtime-record.ts';
import { Count } from '../../contract/scalars.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import { RUNTIME_MISSING, RUNTIME_PACKAGE } from '../onnx-host/runtime-package.ts';
import type { LaunchSpec } from '../supervisor/child.ts';
import type { Exit, Observation } from '../supervisor/state.ts';
import type { Backend } from './backend.ts';
import { describeExit, exitWords } from './exit-words.ts';
import { healthCheck, statusFault } from './health-check.ts';
import { look } from './http-probe.ts';
import { flagValue, presetSpec } from './launch-spec.ts';
import { fromWorkdir, listenAddress, withAddress } from './listen-address.ts';
import { commandFault, fileFault, portFault } from './preflight.ts';
import { readJson } from './reading.ts';

export const ONNX_DEFAULT_PORT = '8100';
/** Beside this program once it is built, in the sources otherwise. */
const HOST_PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../onnx-host/main.ts' : './arw-onnx-host.js', import.meta.url),
);

export function onnxBackend(entry: RuntimeEntry, descriptor: RuntimeDescriptor): Backend {
  const launchSpec = (preset: string | undefined): LaunchSpec => {
    const spec = withAddress(
      presetSpec(entry, entry.process.command ?? process.execPath, preset),
      ONNX_DEFAULT_PORT,
    );
    if (entry.process.command !== undefined) return spec;
    // Where Node and this release lie may change with an upgrade, which is no reason to part with a child.
    return { ...spec, args: [HOST_PROGRAM, ...spec.args], asked: ['arw-onnx-host', ...spec.args] };
  };

  let target = targetOf(undefined);
  /** One model for the life of a process. */
  let models: Model[] | undefined;

  function targetOf(preset: string | undefined) {
    const { origin } = listenAddress(launchSpec(preset).args, ONNX_DEFAULT_PORT);
    const check = healthCheck(entry.process.health, `${origin}/health`);
    return { check, origin: new URL(check.url).origin };
  }

  async function observe(signal: AbortSignal): Promise<Observation> {
    const { check, origin } = target;
    const { timeoutMs } = check;
    const health = await look(check.url, { timeoutMs, method: check.method, signal });
    if (health.kind !== 'answer') return { kind: 'failing', reason: health.reason };
    if (health.status === 503 && health.body.includes(':model-loading"')) {
      return { kind: 'loading', detail: 'Loading model' };
    }
    const fault = statusFault(check, health.status, health.body);
    if (fault !== undefined) return { kind: 'failing', reason: fault };

    const notes: string[] = [];
    const seen: RuntimeHealth = { latency_ms: Math.round(health.latencyMs * 10) / 10 };
    const stats = readJson(await look(`${origin}/stats`, { timeoutMs, signal }), StatsSchema);
    if (stats.kind === 'known') {
      seen.capacity = stats.value.capacity;
      seen.inflight_jobs = stats.value.inflight;
      seen.queued_jobs = stats.value.queued;
      seen.request_count = stats.value.requests;
      seen.error_count = stats.value.errors;
    } else {
      notes.push(`Load unknown (${stats.reason})`);
    }
    if (models === undefined) {
      const read = readJson(await look(`${origin}/v1/models`, { timeoutMs, signal }), ModelsSchema);
      if (read.kind === 'known') models = read.value.data.map(({ id }) => ({ id, state: 'loaded' }));
      else notes.push(`Models unknown (${read.reason})`);
    }
    return { kind: 'ready', health: seen, models: models ?? [], sleeping: false, notes };
  }

  return {
    descriptor,
    presets: Object.keys(entry.presets ?? {}),
    launchSpec,
    async preflight(preset, programElsewhere) {
      const spec = launchSpec(preset);
      const model = flagValue(spec.args, ['--model']);
      const { hostname, port } = listenAddress(spec.args, ONNX_DEFAULT_PORT);
      const faults = await Promise.all([
        programElsewhere ? undefined : commandFault(spec),
        model === undefined
          ? undefined
          : fileFault(fromWorkdir(spec, model), 'Model file', 'the --model argument'),
        portFault(hostname, port),
      ]);
      const runtime = entry.process.command === undefined ? runtimeFault() : undefined;
      return [runtime, ...faults].filter((fault) => fault !== undefined);
    },
    observe,
    reset(preset) {
      target = targetOf(preset);
      models = undefined;
    },
    endpoint: () => ({ origin: target.origin, headers: {} }),
    explainExit: explainOnnxExit,
  };
}

const StatsSchema = v.object({
  capacity: Count,
  inflight: Count,
  queued: Count,
  requests: Count,
  errors: Count,
});
const ModelsSchema = v.object({ data: v.array(v.object({ id: ModelSchema.entries.id })) });

/** Looked for as the host itself will, without loading it. */
function runtimeFault(): string | undefined {
  try {
    createRequire(HOST_PROGRAM).resolve(RUNTIME_PACKAGE);
    return undefined;
  } catch {
    // Whatever is wrong with it, it is to be installed.
    return RUNTIME_MISSING;
  }
}

/** The host says in one line why it ends. */
function explainOnnxExit(exit: Exit, lastLines: readonly string[]): string {
  const said = lastLines.findLast((line) => line.startsWith('arw-onnx-host: error: '));
  if (said === undefined) return describeExit(exit, lastLines);
  return `${exitWords(exit)}: ${said.replace('arw-onnx-host: error: ', '').trim()}`;
}
