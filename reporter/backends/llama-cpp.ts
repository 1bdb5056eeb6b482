// Owns the llama.cpp backend: how llama-server is launched, and how its state is read without disturbing it.

import type { Model, RuntimeDescriptor, RuntimeHealth } from '../../contract/runtime-record.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import type { LaunchSpec } from '../supervisor/child.ts';
import type { Observation, Work } from '../supervisor/state.ts';
import type { Backend } from './backend.ts';
import { healthCheck, statusFault } from './health-check.ts';
import { look, type HttpLook } from './http-probe.ts';
import { flagValue, presetSpec } from './launch-spec.ts';
import { explainLlamaExit } from './llama-exit.ts';
import {
  isLoadingAnswer,
  readMetrics,
  readModels,
  readProps,
  readSlots,
  type MetricsReading,
} from './llama-bodies.ts';
import { commandFault, fileFault, portFault } from './preflight.ts';
import { Throughput } from './throughput.ts';

/** Where a llama-server listens that is told nothing else. */
export const DEFAULT_PORT = '8080';
const ANY_ADDRESS = new Set(['0.0.0.0', '::']);

export function llamaCppBackend(
  entry: RuntimeEntry,
  descriptor: RuntimeDescriptor,
  defaultCommand: string,
  now: () => number,
): Backend {
  const throughput = new Throughput();
  // Models change only with a load: asked again when the process or the sleeping state is new.
  let models: Model[] | undefined;

  const launchSpec = (preset: string | undefined): LaunchSpec =>
    withDefaults(presetSpec(entry, entry.process.command ?? defaultCommand, preset));

  // A preset may bring another port or key, so where to look is settled at each launch.
  let target = targetOf(undefined);
  function targetOf(preset: string | undefined) {
    const { origin, headers } = endpointOf(launchSpec(preset));
    const check = healthCheck(entry.process.health, `${origin}/health`);
    return { check, headers, origin: new URL(check.url).origin };
  }

  async function observe(signal: AbortSignal): Promise<Observation> {
    const { check, headers, origin } = target;
    const ask = (path: string): Promise<HttpLook> =>
      look(`${origin}${path}`, { timeoutMs: check.timeoutMs, headers, signal });
    const health = await look(check.url, { timeoutMs: check.timeoutMs, method: check.method, signal });
    if (health.kind !== 'answer') return { kind: 'failing', reason: health.reason };
    if (isLoadingAnswer(health)) return { kind: 'loading', detail: 'Loading model' };
    const fault = statusFault(check, health.status, health.body);
    if (fault !== undefined) return { kind: 'failing', reason: fault };

    const notes: string[] = [];
    const props = readProps(await ask('/props'));
    if (props.kind === 'unknown') notes.push(`Properties unknown (${props.reason})`);
    const sleeping = props.kind === 'known' && props.value.sleeping;
    const seen: RuntimeHealth = { latency_ms: Math.round(health.latencyMs * 10) / 10 };
    if (props.kind === 'known' && props.value.totalSlots !== undefined)
      seen.capacity = props.value.totalSlots;
    // A model that sleeps has no figures, and asking /slots would wake it; so does one of which that is unknown.
    const measured = props.kind === 'known' && !sleeping;
    const work: Work | undefined = measured
      ? await measure(ask, seen, notes)
      : sleeping
        ? undefined
        : { kind: 'unknown' };
    const loaded = await modelsOf(ask, sleeping, notes);
    return { kind: 'ready', health: seen, models: loaded, sleeping, notes, ...(work && { work }) };
  }

  /** Puts the figures into `seen`, what stays unknown into `notes`, and answers with whether work moves. */
  async function measure(ask: Ask, seen: RuntimeHealth, notes: string[]): Promise<Work | undefined> {
    const [slots, metrics] = await Promise.all([
      ask('/slots').then(readSlots),
      ask('/metrics').then(readMetrics),
    ]);
    if (slots.kind === 'known') {
      seen.capacity = slots.value.capacity;
      seen.inflight_jobs = slots.value.busy;
    } else {
      notes.push(`Slots unknown (${slots.reason})`);
    }
    if (metrics.kind === 'known') noteMetrics(metrics.value, seen);
    else notes.push(`Throughput unknown (${metrics.reason})`);
    if (slots.kind === 'unknown') return { kind: 'unknown' };
    const { busy, mark } = slots.value;
    return busy === 0 ? undefined : { kind: 'busy', slots: busy, mark };
  }

  function noteMetrics({ counters, queued }: MetricsReading, seen: RuntimeHealth): void {
    if (queued !== undefined) seen.queued_jobs = queued;
    throughput.note(counters, now());
    const pace = throughput.pace();
    if (pace.promptTokensPerSecond !== undefined) seen.prompt_tokens_per_second = pace.promptTokensPerSecond;
    if (pace.predictedTokensPerSecond !== undefined) {
      seen.predicted_tokens_per_second = pace.predictedTokensPerSecond;
    }
  }

  async function modelsOf(ask: Ask, sleeping: boolean, notes: string[]): Promise<Model[]> {
    if (models === undefined) {
      const read = readModels(await ask('/v1/models'));
      if (read.kind === 'known') models = read.value;
      else notes.push(`Models unknown (${read.reason})`);
    }
    return (models ?? []).map((model) => (sleeping ? { ...model, state: 'sleeping' as const } : model));
  }

  return {
    descriptor,
    presets: Object.keys(entry.presets ?? {}),
    launchSpec,
    async preflight(preset, programElsewhere) {
      const spec = launchSpec(preset);
      const model = flagValue(spec.args, ['-m', '--model']);
      const { hostname, port } = endpointOf(spec);
      const faults = await Promise.all([
        programElsewhere ? undefined : commandFault(spec),
        model === undefined
          ? undefined
          : fileFault(fromWorkdir(spec, model), 'Model file', 'the -m argument'),
        portFault(hostname, port),
      ]);
      return faults.filter((found) => found !== undefined);
    },
    observe,
    reset(preset) {
      target = targetOf(preset);
      throughput.reset();
      models = undefined;
    },
    endpoint: () => ({ origin: target.origin, headers: target.headers }),
    explainExit: explainLlamaExit,
  };
}

type Ask = (path: string) => Promise<HttpLook>;

/**
 * Says explicitly what must not depend on a build's defaults: the address (loopback), the port, and the two
 * endpoints that are read. What the manifest says itself is left as it is.
 */
function withDefaults(spec: LaunchSpec): LaunchSpec {
  const args = [...spec.args];
  if (flagValue(args, ['--host']) === undefined) args.push('--host', '127.0.0.1');
  if (flagValue(args, ['--port']) === undefined) args.push('--port', DEFAULT_PORT);
  if (!args.includes('--metrics')) args.push('--metrics');
  if (!args.includes('--slots') && !args.includes('--no-slots')) args.push('--slots');
  return { ...spec, args };
}

function endpointOf(spec: LaunchSpec): {
  origin: string;
  hostname: string;
  port: number;
  headers: Record<string, string>;
} {
  const host = (flagValue(spec.args, ['--host']) ?? '127.0.0.1').replace(/^\[(.*)\]$/, '$1');
  const hostname = ANY_ADDRESS.has(host) ? '127.0.0.1' : host;
  const port = Number(flagValue(spec.args, ['--port']) ?? DEFAULT_PORT);
  const apiKey = flagValue(spec.args, ['--api-key'])?.split(',')[0] ?? spec.env['LLAMA_API_KEY'];
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const literal = hostname.includes(':') ? `[${hostname}]` : hostname;
  return { origin: `http://${literal}:${port}`, hostname, port, headers };
}

function fromWorkdir(spec: LaunchSpec, file: string): string {
  return file.startsWith('/') || spec.workdir === undefined ? file : `${spec.workdir}/${file}`;
}
