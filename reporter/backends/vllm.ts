// Owns the vLLM backend: how its server is launched, and how its state is read without disturbing it.

import type { Model, RuntimeDescriptor, RuntimeHealth } from '../../contract/runtime-record.ts';
import { basename } from 'node:path';
import type { RuntimeEntry } from '../manifest-schema.ts';
import type { LaunchSpec } from '../supervisor/child.ts';
import type { Observation, Work } from '../supervisor/state.ts';
import type { Backend } from './backend.ts';
import { healthCheck, statusFault } from './health-check.ts';
import { look, type HttpLook } from './http-probe.ts';
import { flagValue, presetSpec } from './launch-spec.ts';
import { fromWorkdir, listenAddress, withAddress } from './listen-address.ts';
import { commandFault, fileFault, portFault } from './preflight.ts';
import { Throughput } from './throughput.ts';
import { readVllmMetrics, readVllmModels, type VllmMetrics } from './vllm-bodies.ts';
import { explainVllmExit, VLLM_EXIT_LINES } from './vllm-exit.ts';

const DEFAULT_COMMAND = 'vllm';
/** Where a vLLM server listens that is told nothing else. */
export const VLLM_DEFAULT_PORT = '8000';

export function vllmBackend(entry: RuntimeEntry, descriptor: RuntimeDescriptor, now: () => number): Backend {
  const throughput = new Throughput();
  /** What is served changes with a launch; adapters that are loaded later are seen after the next one. */
  let models: Model[] | undefined;

  const launchSpec = (preset: string | undefined): LaunchSpec =>
    withDefaults(presetSpec(entry, entry.process.command ?? DEFAULT_COMMAND, preset));

  let target = targetOf(undefined);
  function targetOf(preset: string | undefined) {
    const spec = launchSpec(preset);
    const { origin } = listenAddress(spec.args, VLLM_DEFAULT_PORT);
    const check = healthCheck(entry.process.health, `${origin}/health`);
    const key = flagValue(spec.args, ['--api-key']) ?? spec.env['VLLM_API_KEY'];
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const slots = Number(flagValue(spec.args, ['--max-num-seqs']));
    const capacity = Number.isInteger(slots) && slots > 0 ? slots : undefined;
    return { check, headers, capacity, origin: new URL(check.url).origin };
  }

  async function observe(signal: AbortSignal): Promise<Observation> {
    const { check, headers, origin, capacity } = target;
    const ask = (path: string): Promise<HttpLook> =>
      look(`${origin}${path}`, { timeoutMs: check.timeoutMs, headers, signal });
    const health = await look(check.url, { timeoutMs: check.timeoutMs, method: check.method, signal });
    // It listens only once the engine is up: until then nobody answers, and the load limit judges that.
    if (health.kind !== 'answer') return { kind: 'failing', reason: health.reason };
    if (health.status === 503) return { kind: 'failing', reason: 'HTTP 503: the engine behind it is dead' };
    const fault = statusFault(check, health.status, health.body);
    if (fault !== undefined) return { kind: 'failing', reason: fault };

    const notes: string[] = [];
    const seen: RuntimeHealth = { latency_ms: Math.round(health.latencyMs * 10) / 10 };
    if (capacity !== undefined) seen.capacity = capacity;
    const metrics = readVllmMetrics(await ask('/metrics'));
    if (metrics.kind === 'known') noteMetrics(metrics.value, seen, notes);
    else notes.push(`Load unknown (${metrics.reason})`);
    const sleeping = metrics.kind === 'known' && metrics.value.sleeping;
    const work = workOf(metrics.kind === 'known' ? metrics.value : undefined);
    const served = await modelsOf(ask, sleeping, notes);
    return { kind: 'ready', health: seen, models: served, sleeping, notes, ...(work && { work }) };
  }

  function noteMetrics(metrics: VllmMetrics, seen: RuntimeHealth, notes: string[]): void {
    seen.inflight_jobs = metrics.running;
    if (metrics.waiting !== undefined) seen.queued_jobs = metrics.waiting;
    if (metrics.ended !== undefined) seen.request_count = metrics.ended;
    if (metrics.failed !== undefined) seen.error_count = metrics.failed;
    if (metrics.counters === undefined) {
      notes.push('Throughput unknown (/metrics lacks the seconds of prompts and tokens)');
      return;
    }
    throughput.note(metrics.counters, now());
    const pace = throughput.pace();
    if (pace.promptTokensPerSecond !== undefined) seen.prompt_tokens_per_second = pace.promptTokensPerSecond;
    if (pace.predictedTokensPerSecond !== undefined) {
      seen.predicted_tokens_per_second = pace.predictedTokensPerSecond;
    }
  }

  async function modelsOf(
    ask: (path: string) => Promise<HttpLook>,
    sleeping: boolean,
    notes: string[],
  ): Promise<Model[]> {
    if (models === undefined) {
      const read = readVllmModels(await ask('/v1/models'));
      if (read.kind === 'known') models = read.value;
      else notes.push(`Models unknown (${read.reason})`);
    }
    return (models ?? []).map((model) => (sleeping ? { ...model, state: 'sleeping' as const } : model));
  }

  return {
    descriptor,
    presets: Object.keys(entry.presets ?? {}),
    launchSpec,
    async preflight(preset) {
      const spec = launchSpec(preset);
      const model = modelOf(spec.args);
      const { hostname, port } = listenAddress(spec.args, VLLM_DEFAULT_PORT);
      const faults = await Promise.all([
        commandFault(spec),
        // Any other name is one of a model hub, which vLLM fetches itself.
        model !== undefined && isPath(model)
          ? fileFault(fromWorkdir(spec, model), 'Model', 'the model in process.args')
          : undefined,
        portFault(hostname, port),
      ]);
      return faults.filter((fault) => fault !== undefined);
    },
    observe,
    reset(preset) {
      target = targetOf(preset);
      throughput.reset();
      models = undefined;
    },
    endpoint: () => ({ origin: target.origin, headers: target.headers }),
    exitLines: VLLM_EXIT_LINES,
    explainExit: explainVllmExit,
  };
}

function workOf(metrics: VllmMetrics | undefined): Work | undefined {
  if (metrics === undefined) return { kind: 'unknown' };
  return metrics.running === 0 ? undefined : { kind: 'busy', slots: metrics.running, mark: metrics.mark };
}

/**
 * Says the address explicitly, and the model's name where it is a folder: vLLM would call it by its whole path, which
 * says more of this host than the fleet has to know.
 */
function withDefaults(spec: LaunchSpec): LaunchSpec {
  const addressed = withAddress(spec, VLLM_DEFAULT_PORT);
  const model = modelOf(spec.args);
  const isNamed = spec.args.some((arg) => arg === SERVED_NAME || arg.startsWith(`${SERVED_NAME}=`));
  if (model === undefined || !isPath(model) || isNamed) return addressed;
  return { ...addressed, args: [...addressed.args, SERVED_NAME, basename(model)] };
}

const SERVED_NAME = '--served-model-name';

/** `vllm serve MODEL`, or `--model MODEL` as its Python module wants it. */
function modelOf(args: readonly string[]): string | undefined {
  const positional = args[args.indexOf('serve') + 1];
  if (args.includes('serve') && positional !== undefined && !positional.startsWith('-')) return positional;
  return flagValue(args, ['--model']);
}

function isPath(model: string): boolean {
  return /^\.{0,2}\//.test(model);
}
