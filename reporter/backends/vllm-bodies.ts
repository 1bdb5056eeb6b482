// Owns reading vLLM's answers: each body becomes known figures or the reason why they are unknown.

import * as v from 'valibot';
import { ModelSchema, type Model } from '../../contract/runtime-record.ts';
import { Count } from '../../contract/scalars.ts';
import type { HttpLook } from './http-probe.ts';
import { samplesOf, type Sample } from './prometheus.ts';
import { readJson, readText, type Reading } from './reading.ts';
import type { TokenCounters } from './throughput.ts';

const ModelsSchema = v.object({
  data: v.array(v.object({ id: ModelSchema.entries.id, max_model_len: v.nullish(Count) })),
});

/** The served model and its adapters: they are loaded, or the server would not answer. */
export function readVllmModels(answer: HttpLook): Reading<Model[]> {
  const body = readJson(answer, ModelsSchema);
  if (body.kind === 'unknown') return body;
  const models = body.value.data.map(({ id, max_model_len: context }) => ({
    id,
    state: 'loaded' as const,
    ...(typeof context === 'number' && { context }),
  }));
  return { kind: 'known', value: models };
}

const RUNNING = 'vllm:num_requests_running';
const WAITING = 'vllm:num_requests_waiting';
const PROMPT_TOKENS = 'vllm:prompt_tokens_total';
const GENERATED_TOKENS = 'vllm:generation_tokens_total';
const FIRST_TOKENS = 'vllm:time_to_first_token_seconds_count';
/** Seconds between the tokens of one request; the second name is that of builds before 0.11. */
const BETWEEN_TOKENS = [
  'vllm:inter_token_latency_seconds_sum',
  'vllm:time_per_output_token_seconds_sum',
] as const;
/** Both are counted when a request ends, so they belong together; the counter of prompt tokens runs ahead of them. */
const PREFILLED_TOKENS = 'vllm:request_prompt_tokens_sum';
const PREFILL_SECONDS = 'vllm:request_prefill_time_seconds_sum';
/** The second name is that of builds before 0.11. */
const KV_CACHE_USAGE = ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'] as const;
const ENDED = 'vllm:request_success_total';
const SLEEP_STATE = 'vllm:engine_sleep_state';

const WANTED: ReadonlySet<string> = new Set([
  RUNNING,
  WAITING,
  PROMPT_TOKENS,
  GENERATED_TOKENS,
  FIRST_TOKENS,
  ...BETWEEN_TOKENS,
  PREFILLED_TOKENS,
  PREFILL_SECONDS,
  ...KV_CACHE_USAGE,
  ENDED,
  SLEEP_STATE,
]);

export type VllmMetrics = {
  running: number;
  waiting: number | undefined;
  sleeping: boolean;
  /** Requests that ended, and those of them that ended in an error. */
  ended: number | undefined;
  failed: number | undefined;
  /** Undefined where the build does not count the seconds. */
  counters: TokenCounters | undefined;
  /** Changes with every token, and with every step of a long prompt, which fills the cache before it counts. */
  mark: string;
};

/** Sums over engines and models: a server with data parallelism tells each figure once an engine. */
export function readVllmMetrics(answer: HttpLook): Reading<VllmMetrics> {
  const text = readText(answer);
  if (text.kind === 'unknown') return text;
  const samples = samplesOf(text.value, WANTED);
  if (samples === undefined) return { kind: 'unknown', reason: '/metrics is not in the Prometheus format' };
  const total = (...names: readonly string[]): number | undefined => sum(samples, names);
  const running = total(RUNNING);
  const generated = total(GENERATED_TOKENS);
  if (running === undefined || generated === undefined) {
    return { kind: 'unknown', reason: '/metrics lacks the running requests and generated tokens' };
  }
  const asleep = samples.filter(
    ({ name, labels }) => name === SLEEP_STATE && labels['sleep_state'] === 'awake',
  );
  const failed = samples.filter(
    ({ name, labels }) => name === ENDED && labels['finished_reason'] === 'error',
  );
  const value: VllmMetrics = {
    running,
    waiting: total(WAITING),
    sleeping: asleep.length > 0 && asleep.every((engine) => engine.value === 0),
    ended: total(ENDED),
    failed: sum(failed, [ENDED]),
    counters: tokenCounters(total, generated),
    mark: [generated, total(PROMPT_TOKENS), total(...KV_CACHE_USAGE), running].join(':'),
  };
  return { kind: 'known', value };
}

function tokenCounters(
  total: (...names: readonly string[]) => number | undefined,
  generated: number,
): TokenCounters | undefined {
  const firstTokens = total(FIRST_TOKENS);
  const predictedSeconds = total(...BETWEEN_TOKENS);
  const promptTokens = total(PREFILLED_TOKENS);
  const promptSeconds = total(PREFILL_SECONDS);
  if (
    firstTokens === undefined ||
    predictedSeconds === undefined ||
    promptTokens === undefined ||
    promptSeconds === undefined
  ) {
    return undefined;
  }
  // The first token of a request belongs to its prompt's time, the others to the time between tokens.
  return { promptTokens, promptSeconds, predictedTokens: generated - firstTokens, predictedSeconds };
}

/** The first of the names that is there; a build that tells both tells the same twice. */
function sum(samples: readonly Sample[], names: readonly string[]): number | undefined {
  for (const name of names) {
    const values = samples.filter((sample) => sample.name === name).map(({ value }) => value);
    if (values.length > 0) return values.reduce((total, value) => total + value, 0);
  }
  return undefined;
}
