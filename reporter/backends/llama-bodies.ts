// Owns reading llama-server's answers: each body becomes known figures or the reason why they are unknown.

import { basename } from 'node:path';
import * as v from 'valibot';
import { ModelSchema, type Model } from '../../contract/runtime-record.ts';
import { Count } from '../../contract/scalars.ts';
import type { HttpLook } from './http-probe.ts';
import { unlabelledSamples } from './prometheus.ts';
import { readJson, readText, type Reading } from './reading.ts';
import type { TokenCounters } from './throughput.ts';

/** While a model loads, every endpoint answers 503 with this error: the server is starting, not failing. */
export function isLoadingAnswer(answer: { status: number; body: string }): boolean {
  return answer.status === 503 && answer.body.includes('Loading model');
}

const PropsSchema = v.object({
  is_sleeping: v.optional(v.boolean(), false),
  total_slots: v.optional(Count),
  role: v.optional(v.string()),
  max_instances: v.optional(Count),
});

export type Props = {
  sleeping: boolean;
  totalSlots: number | undefined;
  /** Present on a router: how many models it keeps loaded at most, 0 for any number, undefined where it does not say. */
  router?: { maxInstances: number | undefined };
};

export function readProps(answer: HttpLook): Reading<Props> {
  const body = readJson(answer, PropsSchema);
  if (body.kind === 'unknown') return body;
  const { is_sleeping: sleeping, total_slots: totalSlots, role, max_instances: maxInstances } = body.value;
  const router = role === 'router' && { router: { maxInstances } };
  return { kind: 'known', value: { sleeping, totalSlots, ...router } };
}

/** What moves in a slot; an object in older builds, a list in newer ones, absent while it never worked. */
const NextToken = v.object({ n_decoded: v.optional(v.number()) });

const SlotsSchema = v.array(
  v.object({
    id: v.number(),
    is_processing: v.boolean(),
    id_task: v.optional(v.number()),
    n_prompt_tokens_processed: v.optional(v.number()),
    next_token: v.optional(v.union([v.array(NextToken), NextToken])),
  }),
);

export type SlotsReading = {
  capacity: number;
  busy: number;
  /** Changes whenever a busy slot gets on: with another task, a step of its prompt, a token. */
  mark: string;
};

export function readSlots(answer: HttpLook): Reading<SlotsReading> {
  const body = readJson(answer, SlotsSchema);
  if (body.kind === 'unknown') return body;
  const busy = body.value.filter((slot) => slot.is_processing);
  const mark = busy
    .map(({ id, id_task, n_prompt_tokens_processed, next_token }) => {
      const tokens = next_token === undefined ? [] : [next_token].flat();
      return [id, id_task, n_prompt_tokens_processed, ...tokens.map(({ n_decoded }) => n_decoded)].join(':');
    })
    .join(' ');
  return { kind: 'known', value: { capacity: body.value.length, busy: busy.length, mark } };
}

const ModelsSchema = v.object({
  data: v.array(
    v.object({
      id: ModelSchema.entries.id,
      meta: v.nullish(v.object({ n_ctx: v.optional(Count) })),
    }),
  ),
});

/**
 * The models of a server that was started with one: they are loaded, or it would not be ready.
 * A server without `--alias` calls its model by the path of the file; the fleet knows it by the file's name.
 */
export function readModels(answer: HttpLook): Reading<Model[]> {
  const body = readJson(answer, ModelsSchema);
  if (body.kind === 'unknown') return body;
  return {
    kind: 'known',
    value: body.value.data.map(({ id, meta }) => ({
      id: id.endsWith('.gguf') ? basename(id) : id,
      state: 'loaded',
      ...(meta?.n_ctx !== undefined && { context: meta.n_ctx }),
    })),
  };
}

export type MetricsReading = { counters: TokenCounters; queued: number | undefined };

/** Reads counters only: the gauges of throughput are averages since the last scrape, by whoever scraped. */
export function readMetrics(answer: HttpLook): Reading<MetricsReading> {
  const text = readText(answer);
  if (text.kind === 'unknown') return text;
  const samples = unlabelledSamples(text.value);
  const promptTokens = samples?.get('llamacpp:prompt_tokens_total');
  const promptSeconds = samples?.get('llamacpp:prompt_seconds_total');
  const predictedTokens = samples?.get('llamacpp:tokens_predicted_total');
  const predictedSeconds = samples?.get('llamacpp:tokens_predicted_seconds_total');
  if (
    promptTokens === undefined ||
    promptSeconds === undefined ||
    predictedTokens === undefined ||
    predictedSeconds === undefined
  ) {
    return { kind: 'unknown', reason: '/metrics lacks the token counters' };
  }
  const counters = { promptTokens, promptSeconds, predictedTokens, predictedSeconds };
  const deferred = samples?.get('llamacpp:requests_deferred');
  return { kind: 'known', value: { counters, queued: v.is(Count, deferred) ? deferred : undefined } };
}
