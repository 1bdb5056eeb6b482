// Owns the whisper.cpp backend: how whisper-server is launched, and what little its state tells.

import { basename } from 'node:path';
import type { RuntimeDescriptor } from '../../contract/runtime-record.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import type { LaunchSpec } from '../supervisor/child.ts';
import type { Observation } from '../supervisor/state.ts';
import type { Backend } from './backend.ts';
import { healthCheck, statusFault } from './health-check.ts';
import { look } from './http-probe.ts';
import { flagValue, presetSpec } from './launch-spec.ts';
import { fromWorkdir, listenAddress, withAddress } from './listen-address.ts';
import { commandFault, fileFault, portFault } from './preflight.ts';
import { explainWhisperExit, WHISPER_EXIT_LINES } from './whisper-exit.ts';

const DEFAULT_COMMAND = 'whisper-server';
/** Where a whisper-server listens that is told nothing else. */
export const WHISPER_DEFAULT_PORT = '8080';
/** What a whisper-server loads that is told nothing else. */
const DEFAULT_MODEL = 'models/ggml-base.en.bin';
const INFERENCE_PATH = '--inference-path';
/** Where OpenAI's clients post their audio. */
const OPENAI_INFERENCE_PATH = '/v1/audio/transcriptions';
/** Requests wait for one another: there is one model and one lock. */
const CAPACITY = 1;

export function whisperBackend(entry: RuntimeEntry, descriptor: RuntimeDescriptor): Backend {
  const launchSpec = (preset: string | undefined): LaunchSpec =>
    withDefaults(presetSpec(entry, entry.process.command ?? DEFAULT_COMMAND, preset));

  let target = targetOf(undefined);
  /** Whether this process has ever answered well. */
  let hasAnswered = false;

  function targetOf(preset: string | undefined) {
    const spec = launchSpec(preset);
    const base = `${listenAddress(spec.args, WHISPER_DEFAULT_PORT).origin}${flagValue(spec.args, ['--request-path']) ?? ''}`;
    return { base, model: modelOf(spec), check: healthCheck(entry.process.health, `${base}/health`) };
  }

  async function observe(signal: AbortSignal): Promise<Observation> {
    const { check, model } = target;
    const answer = await look(check.url, { timeoutMs: check.timeoutMs, method: check.method, signal });
    // It listens only once its first model is loaded: until then nobody answers, and the load limit judges that.
    if (answer.kind !== 'answer') return { kind: 'failing', reason: answer.reason };
    if (isLoadingAnswer(answer, hasAnswered)) return { kind: 'loading', detail: 'Loading another model' };
    const fault = statusFault(check, answer.status, answer.body);
    if (fault !== undefined) return { kind: 'failing', reason: fault };
    hasAnswered = true;
    return {
      kind: 'ready',
      health: { latency_ms: Math.round(answer.latencyMs * 10) / 10, capacity: CAPACITY },
      models: [{ id: basename(model), state: 'loaded' }],
      sleeping: false,
      notes: [],
    };
  }

  return {
    descriptor,
    presets: Object.keys(entry.presets ?? {}),
    launchSpec,
    async preflight(preset) {
      const spec = launchSpec(preset);
      const { hostname, port } = listenAddress(spec.args, WHISPER_DEFAULT_PORT);
      const faults = await Promise.all([
        commandFault(spec),
        fileFault(fromWorkdir(spec, modelOf(spec)), 'Model file', 'the -m argument'),
        portFault(hostname, port),
      ]);
      return faults.filter((fault) => fault !== undefined);
    },
    observe,
    reset(preset) {
      target = targetOf(preset);
      hasAnswered = false;
    },
    endpoint: () => ({ origin: target.base, headers: {} }),
    exitLines: WHISPER_EXIT_LINES,
    explainExit: explainWhisperExit,
  };
}

/**
 * While `/load` puts another model in its place, `/health` means to answer 503 "loading model", but in the builds
 * known its own error page makes a 404 of that. Before the first good answer a 404 is a wrong path.
 */
function isLoadingAnswer({ status, body }: { status: number; body: string }, hasAnswered: boolean): boolean {
  if (status === 503) return body.includes('loading model');
  return hasAnswered && status === 404 && body.startsWith('File Not Found (');
}

function withDefaults(spec: LaunchSpec): LaunchSpec {
  const addressed = withAddress(spec, WHISPER_DEFAULT_PORT);
  if (flagValue(addressed.args, [INFERENCE_PATH]) !== undefined) return addressed;
  return { ...addressed, args: [...addressed.args, INFERENCE_PATH, OPENAI_INFERENCE_PATH] };
}

function modelOf(spec: LaunchSpec): string {
  return flagValue(spec.args, ['-m', '--model']) ?? DEFAULT_MODEL;
}
