// Owns the llama.cpp backend: how llama-server is launched, and how its state is read without disturbing it.

import type { RuntimeDescriptor } from '../../contract/runtime-record.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import type { LaunchSpec } from '../supervisor/child.ts';
import type { LoadingModel, Observation } from '../supervisor/state.ts';
import type { Backend } from './backend.ts';
import { healthCheck, statusFault } from './health-check.ts';
import { look, type HttpLook } from './http-probe.ts';
import { presetSpec } from './launch-spec.ts';
import { isLoadingAnswer, readProps } from './llama-bodies.ts';
import { explainLlamaExit } from './llama-exit.ts';
import { askForToken } from './llama-idle-prober.ts';
import { idleProbeRule, sleepIdleMs } from './llama-idle-rule.ts';
import { endpointOf, isRouter, modelFileOf, withDefaults } from './llama-launch.ts';
import { routerModelControl } from './llama-model-control.ts';
import { modelOnDisk } from './llama-model-size.ts';
import { llamaFaults } from './llama-preflight.ts';
import { RouterModels, unreadRouter } from './llama-router.ts';
import { SingleModel } from './llama-single.ts';

export function llamaCppBackend(
  entry: RuntimeEntry,
  descriptor: RuntimeDescriptor,
  defaultCommand: string,
  now: () => number,
): Backend {
  const launchSpec = (preset: string | undefined): LaunchSpec =>
    withDefaults(presetSpec(entry, entry.process.command ?? defaultCommand, preset));

  // A preset may bring another port, key or model, so where and how to look is settled at each launch.
  let target = targetOf(undefined);
  function targetOf(preset: string | undefined) {
    const spec = launchSpec(preset);
    const { origin, headers } = endpointOf(spec);
    const check = healthCheck(entry.process.health, `${origin}/health`);
    const sleepMs = sleepIdleMs(spec.args, spec.env);
    const single = new SingleModel({
      now,
      sleepIdleMs: sleepMs,
      idleProbe: idleProbeRule(entry.process, sleepMs !== undefined),
    });
    return {
      check,
      headers,
      origin: new URL(check.url).origin,
      modelFile: modelFileOf(spec),
      single,
      router: new RouterModels(entry.process, now),
      routes: isRouter(spec),
    };
  }
  // What is being loaded is asked of the disk once a launch, and only while it loads.
  let loading: Promise<LoadingModel> | undefined;

  async function loadingNow(): Promise<Observation> {
    const { modelFile } = target;
    if (modelFile !== undefined) loading ??= modelOnDisk(modelFile);
    const model = await loading;
    return { kind: 'loading', detail: 'Loading model', ...(model && { model }) };
  }

  async function observe(signal: AbortSignal): Promise<Observation> {
    const { check, headers, origin, single, router, routes } = target;
    const ask = (path: string): Promise<HttpLook> =>
      look(`${origin}${path}`, { timeoutMs: check.timeoutMs, headers, signal });
    const health = await look(check.url, { timeoutMs: check.timeoutMs, method: check.method, signal });
    if (health.kind !== 'answer') return { kind: 'failing', reason: health.reason };
    if (isLoadingAnswer(health)) return loadingNow();
    const fault = statusFault(check, health.status, health.body);
    if (fault !== undefined) return { kind: 'failing', reason: fault };

    const props = readProps(await ask('/props'));
    const latencyMs = Math.round(health.latencyMs * 10) / 10;
    const token = (timeoutMs: number, model?: string) =>
      askForToken(origin, { headers, timeoutMs, signal, ...(model !== undefined && { model }) });
    if (props.kind === 'known') {
      if (props.value.router) return router.look(props.value.router, latencyMs, { ask, token });
      return single.look(props.value, latencyMs, { ask, token });
    }
    const unread = `Properties unknown (${props.reason})`;
    if (routes) return unreadRouter(latencyMs, unread);
    const seen = await single.look(undefined, latencyMs, { ask, token });
    return { ...seen, notes: [unread, ...seen.notes] };
  }

  return {
    descriptor,
    presets: Object.keys(entry.presets ?? {}),
    launchSpec,
    preflight: (preset) => llamaFaults(launchSpec(preset)),
    observe,
    reset(preset) {
      target = targetOf(preset);
      loading = undefined;
    },
    endpoint: () => ({ origin: target.origin, headers: target.headers }),
    ...(target.routes && {
      modelControl: routerModelControl({
        address: () => ({
          origin: target.origin,
          headers: target.headers,
          timeoutMs: target.check.timeoutMs,
        }),
        loadLimitSeconds: entry.process.start_timeout_seconds,
        onUnloaded: (model) => target.router.noteUnloaded(model),
      }),
    }),
    explainExit: explainLlamaExit,
  };
}
